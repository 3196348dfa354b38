import { expect, it, vi } from 'vitest';
import { DrawFigure, figureGlobal } from '../figures';

const Plotly = vi.hoisted(() => ({ newPlot: vi.fn(), addFrames: vi.fn(), animate: vi.fn() }));
vi.mock('plotly.js-dist-min', () => ({ default: Plotly }));
import '../parts/plotly';

it('draws a figure as high as JupyterLab does, and does not play its frames', async () => {
  const draw = (window as unknown as Record<string, DrawFigure>)[figureGlobal('plotly')];
  const node = document.createElement('div');
  const value = { data: [], layout: {}, frames: [{ name: 'f' }] };
  await draw(node, value, {}, true);
  await draw(node, { layout: { height: 200 } }, {}, true);
  const heights = Plotly.newPlot.mock.calls.map(([, , layout]) => layout.height);
  expect(heights).toEqual([360, 200]);
  expect(value.layout).toEqual({});
  expect(Plotly.addFrames.mock.calls).toEqual([[node, [{ name: 'f' }]]]);
  expect(Plotly.animate).not.toHaveBeenCalled();
});
