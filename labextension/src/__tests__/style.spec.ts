/// <reference types="vite/client" />
import { expect, it } from 'vitest';

const sheets = import.meta.glob<string>('../../style/*.css', {
  query: '?raw',
  import: 'default',
  eager: true
});
const plain = Object.values(sheets)
  .join('\n')
  .replace(/\/\*[^]*?\*\//g, '');

it('takes every colour from the theme, and under a person’s own colours from those', () => {
  expect(plain.match(/#[0-9a-f]{3,8}\b|\b(rgba?|hsla?|color-mix)\(/gi)).toBeNull();
  const colours = [...plain.matchAll(/(?:^|[\s-])(?:color|background|fill|stroke):\s*([^;]+);/g)];
  expect(colours.length).toBeGreaterThan(20);
  for (const [, value] of colours) {
    expect(value).toMatch(
      /var\(--jp-|^(none|inherit|currentcolor|transparent|CanvasText|Highlight)$/
    );
  }
});

it('styles each class in one sheet, so that no view gets the look of another', () => {
  const homes = new Map<string, Set<string>>();
  for (const [sheet, text] of Object.entries(sheets)) {
    for (const [, name] of text.matchAll(/(?<=^|,\n)\.(jp-[\w-]+)(?=,\n| \{)/gm)) {
      homes.set(name, (homes.get(name) ?? new Set()).add(sheet));
    }
  }
  expect(homes.size).toBeGreaterThan(40);
  expect([...homes].filter(([, each]) => each.size > 1)).toEqual([]);
});

it('overrules JupyterLab nowhere', () => {
  expect(plain).not.toContain('!important');
});
