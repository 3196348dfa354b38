import { describe, expect, it } from 'vitest';
import { renderMarkdown, setHtml } from '../markup';

const HINTS = ['preconnect', 'DNS-prefetch', 'stylesheet preconnect', 'modulepreload', ''];

describe('setHtml', () => {
  it.each(HINTS)('takes out a link that a browser follows by itself: %s', rel => {
    const node = document.createElement('div');
    const link = `<link rel="${rel}" href="https://out.example">`;
    setHtml(node, `<p>text ${link}</p><template>${link}</template>${link}`);
    expect(node.textContent).toBe('text ');
    expect(node.innerHTML).not.toContain('<link');
    renderMarkdown(node, `text\n\n<div>${link}</div>`);
    expect(node.innerHTML).not.toContain('<link');
  });

  it('leaves a style sheet, of which the frame then reports that it was not loaded', () => {
    const node = document.createElement('div');
    setHtml(node, '<link rel="stylesheet" href="https://out.example/x.css">');
    expect(node.querySelector('link')?.rel).toBe('stylesheet');
  });
});
