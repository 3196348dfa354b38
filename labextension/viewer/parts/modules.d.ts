declare module 'plotly.js-dist-min' {
  /** The part of plotly.js that is used here. */
  interface IPlotly {
    newPlot(node: HTMLElement, data: unknown[], layout: object, config: object): Promise<void>;
    addFrames(node: HTMLElement, frames: unknown[]): Promise<void>;
    animate(node: HTMLElement, frames: undefined, options: object): Promise<void>;
  }

  const Plotly: IPlotly;
  export default Plotly;
}

declare module 'pdfjs-dist/legacy/build/pdf.worker.mjs';
