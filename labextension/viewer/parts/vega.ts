/** Draws Vega and Vega-Lite of all versions, and GeoJSON as a map without tiles. */

import embed, { EmbedOptions, VisualizationSpec } from 'vega-embed';
import { figureGlobal, DrawFigure } from '../figures';

const WIDTH = 600;
const HEIGHT = 360;

const draw: DrawFigure = async (node, value, { mime, embed_options }, isLight) => {
  const isMap = mime === 'application/geo+json';
  const given = structuredClone(isMap ? mapOf(value) : value) as VisualizationSpec;
  const isLite = isMap || String(mime).includes('vegalite');
  const options: EmbedOptions = {
    actions: true,
    defaultStyle: true,
    ...(isLight ? {} : { theme: 'dark' }),
    ...((embed_options ?? {}) as EmbedOptions),
    mode: isLite ? 'vega-lite' : 'vega'
  };
  node.classList.add('vega-embed');
  await embed(node, given, options);
};

/** A map of what GeoJSON holds, whole. */
function mapOf(value: unknown): object {
  const { features } = value as { features?: unknown[] };
  const values = Array.isArray(features) ? features : [{ type: 'Feature', geometry: value }];
  return {
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    projection: { type: 'mercator' },
    mark: { type: 'geoshape', fill: '#3388ff55', stroke: '#3388ff' }
  };
}

(window as unknown as Record<string, DrawFigure>)[figureGlobal('vega')] = draw;
