/// <reference types="vite/client" />
import { expect, it } from 'vitest';
import css from '../../style/base.css?raw';

it('takes every colour from the theme', () => {
  const plain = css.replace(/\/\*[^]*?\*\//g, '');
  expect(plain.match(/#[0-9a-f]{3,8}\b|\b(rgba?|hsla?|color-mix)\(/gi)).toBeNull();
  const colours = [...plain.matchAll(/(?:^|[\s-])(?:color|background|fill|stroke):\s*([^;]+);/g)];
  expect(colours.length).toBeGreaterThan(20);
  for (const [, value] of colours) {
    expect(value).toMatch(/var\(--jp-|^(none|inherit|currentcolor|transparent)$/);
  }
});
