declare module 'katex/contrib/auto-render' {
  import { KatexOptions } from 'katex';

  interface IDelimiter {
    left: string;
    right: string;
    display: boolean;
  }

  export default function renderMathInElement(
    node: HTMLElement,
    options?: KatexOptions & { delimiters?: IDelimiter[] }
  ): void;
}
