/** Draws plotly's figures, as its extension of JupyterLab does. */

import Plotly from 'plotly.js-dist-min';
import { DrawFigure, figureGlobal } from '../figures';
import { Library, libraryGlobal } from '../standins';

/** In pixels, of a figure that has none of its own. */
const HEIGHT = 360;

interface IFigure {
  data?: unknown[];
  layout?: { height?: number };
  frames?: unknown[];
  config?: object;
}

const draw: DrawFigure = async (node, value) => {
  // Plotly writes into what it is given, and an output is never changed.
  const { data = [], layout = {}, frames, config } = structuredClone(value) as IFigure;
  layout.height ||= HEIGHT;
  await Plotly.newPlot(node, data, layout, { responsive: true, ...config });
  if (frames?.length) {
    // They play when somebody asks for it.
    await Plotly.addFrames(node, frames);
  }
};

(window as unknown as Record<string, DrawFigure>)[figureGlobal('plotly')] = draw;
(window as unknown as Record<string, Library>)[libraryGlobal('plotly')] = { Plotly };
