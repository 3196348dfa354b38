/** Draws plotly's figures, as its extension of JupyterLab does. */

import Plotly from 'plotly.js-dist-min';
import { DrawFigure, figureGlobal } from '../figures';

interface IFigure {
  data?: unknown[];
  layout?: object;
  frames?: unknown[];
  config?: object;
}

const draw: DrawFigure = async (node, value) => {
  // Plotly writes into what it is given, and an output is never changed.
  const { data = [], layout = {}, frames, config } = structuredClone(value) as IFigure;
  await Plotly.newPlot(node, data, layout, { responsive: true, ...config });
  if (frames?.length) {
    await Plotly.addFrames(node, frames);
    await Plotly.animate(node, undefined, { mode: 'immediate' }).catch(() => undefined);
  }
};

(window as unknown as Record<string, DrawFigure>)[figureGlobal('plotly')] = draw;
