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

  it('puts a page that a frame has in its address into the frame, and leaves other frames', () => {
    const page = '<b>ü &amp; "q"</b>';
    const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(page)));
    const sources = [
      `data:text/html,${encodeURIComponent(page)}`,
      `data:text/html;charset=utf-8;base64,${base64}`,
      'data:text/html;base64,no base64!',
      'data:image/png;base64,AA==',
      'https://out.example/page'
    ];
    const node = document.createElement('div');
    setHtml(node, sources.map(each => `<iframe src="${each}"></iframe>`).join(''));
    const frames = [...node.querySelectorAll('iframe')];
    expect(frames.map(each => each.srcdoc)).toEqual([page, page, '', '', '']);
    expect(frames.map(each => each.getAttribute('src'))).toEqual([null, null, ...sources.slice(2)]);
  });
});
