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

it('takes every colour from the theme', () => {
  expect(plain.match(/#[0-9a-f]{3,8}\b|\b(rgba?|hsla?|color-mix)\(/gi)).toBeNull();
  const colours = [...plain.matchAll(/(?:^|[\s-])(?:color|background|fill|stroke):\s*([^;]+);/g)];
  expect(colours.length).toBeGreaterThan(20);
  for (const [, value] of colours) {
    expect(value).toMatch(/var\(--jp-|^(none|inherit|currentcolor|transparent)$/);
  }
});

it('overrules JupyterLab nowhere', () => {
  expect(plain).not.toContain('!important');
});
