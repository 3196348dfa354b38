import { expect, it, vi } from 'vitest';
import { DrawFigure, figureGlobal } from '../figures';

const embed = vi.hoisted(() => vi.fn());
vi.mock('vega-embed', () => ({ default: embed, vega: {}, vegaLite: {} }));
import '../parts/vega';

interface IMap {
  projection: { type: string; scale?: number; translate?: number[] };
  data: { values: { geometry: { coordinates: unknown } }[] };
}

async function mapOf(value: object): Promise<IMap> {
  const draw = (window as unknown as Record<string, DrawFigure>)[figureGlobal('vega')];
  await draw(document.createElement('div'), value, { mime: 'application/geo+json' }, true);
  return embed.mock.lastCall![1];
}

it('draws the places of GeoJSON as maps on the web have them, in whatever order an area is written', async () => {
  const ring = [
    [10, 0],
    [12, 0],
    [12, 60],
    [10, 0]
  ];
  const polygon = { type: 'Polygon', coordinates: [ring] };
  const { projection, data } = await mapOf({ type: 'Feature', properties: {}, geometry: polygon });
  // A flat map has no other side of an area.
  expect(projection.type).toBe('identity');
  expect(projection.scale).toBeUndefined();
  const [[, , [east, north]]] = data.values[0].geometry.coordinates as number[][][];
  expect([east, Math.round(north)]).toEqual([12, 75]);
  expect(polygon.coordinates[0][2]).toEqual([12, 60]);
});

it('puts one place into the middle of its map', async () => {
  const { projection, data } = await mapOf({ type: 'Point', coordinates: [-118, 0] });
  expect(data.values[0].geometry.coordinates).toEqual([-118, 0]);
  expect(projection.translate).toEqual([300 + 118, 180]);
});
