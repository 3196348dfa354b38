import { expect, it } from 'vitest';
import { frameWords } from '../../src/framewords';
import { Notes } from '../notes';
import { hasStandIn } from '../standins';

it.each([
  'https://cdn.jsdelivr.net/npm/vega@6?noext',
  'https://cdn.jsdelivr.net/npm/vega-lite@6.4.1?noext',
  'https://cdn.jsdelivr.net/npm/vega-embed@7?noext',
  'https://unpkg.com/vega@5.25.0/build/vega.min.js',
  'https://cdnjs.cloudflare.com/ajax/libs/vega/5.25.0/vega.min.js',
  'https://cdn.plot.ly/plotly-3.1.0.min.js',
  'https://cdn.plot.ly/plotly-4.1.1.min',
  'https://cdn.plot.ly/plotly-latest.min.js',
  'https://cdn.jsdelivr.net/npm/plotly.js-dist-min@2.35.2/plotly.min.js',
  'https://cdnjs.cloudflare.com/ajax/libs/plotly.js/2.35.2/plotly.min.js',
  'http://localhost:8888/files/plotly.min.js'
])('a pane has itself what %s has', address => expect(hasStandIn(address)).toBe(true));

it.each([
  'https://cdn.jsdelivr.net/npm/vega-themes@2',
  'https://cdn.jsdelivr.net/npm/vega-lite-api@5',
  'https://cdn.plot.ly/plotly-geo-assets.js',
  'https://cdn.plot.ly/world_110m.json',
  'https://example.org/my-plotly.js',
  'https://example.org/vega.json',
  'inline',
  ''
])('it does not have what %s has', address => expect(hasStandIn(address)).toBe(false));

it('is said where nothing stands in: in frames of an output, and for what is no script', () => {
  const node = document.createElement('footer');
  const words = frameWords({ __: text => text });
  const asked: string[] = [];
  const notes = new Notes(
    node,
    words,
    host => asked.push(host),
    () => false
  );
  const refuse = (effectiveDirective: string) => {
    const blockedURI = 'https://cdn.plot.ly/plotly-3.1.0.min.js';
    const event = new Event('securitypolicyviolation');
    document.dispatchEvent(Object.assign(event, { blockedURI, effectiveDirective }));
  };
  refuse('script-src-elem');
  expect(asked).toEqual([]);
  refuse('connect-src');
  expect(asked).toEqual(['cdn.plot.ly']);
  notes.clear();
  notes.blocked('https://cdn.plot.ly/plotly-3.1.0.min.js');
  expect(asked).toHaveLength(2);
  expect(node.textContent).toContain('https://cdn.plot.ly/plotly-3.1.0.min.js');
});
