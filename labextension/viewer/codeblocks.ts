import { Parts } from './parts';

/** The global by which the code that colours gives itself to the page. */
export const CODE_GLOBAL = 'jupyterPeerColour';

/** Colours the code in a node, where its language is known. */
export type Colour = (node: HTMLElement, language: string) => void;

const CLASS = /^language-(.+)$/;

/** Colour the blocks of code in Markdown whose language is named; what does that comes when there is one. */
export async function colourCode(node: HTMLElement, parts: Parts): Promise<void> {
  const blocks = [...node.querySelectorAll<HTMLElement>('pre > code[class]')].flatMap(block => {
    const [, language] = CLASS.exec(block.className) ?? [];
    return language ? [{ block, language }] : [];
  });
  if (blocks.length > 0 && (await parts.need('code'))) {
    const colour = (window as unknown as Record<string, Colour>)[CODE_GLOBAL];
    blocks.forEach(({ block, language }) => colour(block, language));
  }
}
