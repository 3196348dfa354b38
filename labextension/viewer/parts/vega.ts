/** Draws Vega and Vega-Lite of all versions, and GeoJSON as a map without tiles. */

import embed, { EmbedOptions, vega, vegaLite, VisualizationSpec } from 'vega-embed';
import { figureGlobal, DrawFigure } from '../figures';
import { Library, libraryGlobal } from '../standins';

const WIDTH = 600;
const HEIGHT = 360;
/** Degrees to which maps on the web go. */
const NORTH = 85;

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
  const map = onMap(value) as { type?: string; features?: unknown[] };
  const alone = map.type === 'Feature' ? map : { type: 'Feature', geometry: map };
  const [first, ...others] = positionsOf(map);
  const isOnePlace = first && others.every(each => each[0] === first[0] && each[1] === first[1]);
  return {
    width: WIDTH,
    height: HEIGHT,
    data: { values: Array.isArray(map.features) ? map.features : [alone] },
    projection: {
      type: 'identity',
      reflectY: true,
      pointRadius: 6,
      // One place has no extent that the map could be as large as.
      ...(isOnePlace && { scale: 1, translate: [WIDTH / 2 - first[0], HEIGHT / 2 + first[1]] })
    },
    mark: { type: 'geoshape', fill: '#3388ff55', stroke: '#3388ff' }
  };
}

/**
 * GeoJSON with all its positions on a flat map, as maps on the web have them.
 *
 * On a globe the order of its points would say which side of an area is the inner one, and most
 * programs write them in the other order.
 */
function onMap(value: unknown): unknown {
  if (Array.isArray(value)) {
    return typeof value[0] === 'number' ? flat(value) : value.map(onMap);
  }
  return value === null || typeof value !== 'object'
    ? value
    : Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, key === 'properties' ? each : onMap(each)])
      );
}

/** A position in degrees by the projection of Mercator. */
function flat([longitude, latitude]: number[]): number[] {
  const north = (Math.max(-NORTH, Math.min(NORTH, latitude)) * Math.PI) / 180;
  return [longitude, (Math.asinh(Math.tan(north)) * 180) / Math.PI];
}

/** All positions in GeoJSON, however deep. */
function positionsOf(value: unknown): number[][] {
  if (Array.isArray(value)) {
    return typeof value[0] === 'number' ? [value] : value.flatMap(positionsOf);
  }
  const { features, geometry, geometries, coordinates } = (value ?? {}) as Record<string, unknown>;
  return [features, geometry, geometries, coordinates].flatMap(each =>
    each ? positionsOf(each) : []
  );
}

(window as unknown as Record<string, DrawFigure>)[figureGlobal('vega')] = draw;
(window as unknown as Record<string, Library>)[libraryGlobal('vega')] = {
  vega,
  vegaLite,
  vegaEmbed: embed
};
