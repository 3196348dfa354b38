import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Words } from '../../src/viewerprotocol';
import { Pane } from '../pane';

const WORDS = { nothing: 'nothing yet', noRenderer: 'no %1', cut: '%1 cut' } as Words;

let node: HTMLElement;
let pane: Pane;
let shown: number[];
let rev: number;

beforeEach(() => {
  document.body.innerHTML = '';
  node = document.body.appendChild(document.createElement('main'));
  shown = [];
  rev = 0;
  pane = new Pane(
    node,
    WORDS,
    () => '',
    each => shown.push(each)
  );
  HTMLImageElement.prototype.decode = async () => undefined;
});

async function take(outputs: object[]): Promise<void> {
  pane.take({ epoch: 'e', rev: ++rev, outputs });
  await vi.waitFor(() => expect(shown).toContain(rev));
}

const bundle = (data: object, metadata = {}) => ({ output_type: 'display_data', data, metadata });

describe('Pane', () => {
  it('leaves what has not changed as it is', async () => {
    const first = bundle({ 'text/plain': 'one' });
    await take([first, bundle({ 'text/plain': 'two' })]);
    const [kept, gone] = node.children;
    await take([first, bundle({ 'text/plain': 'three' })]);
    expect(node.children[0]).toBe(kept);
    expect(node.contains(gone)).toBe(false);
    expect(node.textContent).toBe('onethree');
  });

  it('draws what came meanwhile in one go', async () => {
    pane.take({ epoch: 'e', rev: 1, outputs: [bundle({ 'text/plain': 'one' })] });
    pane.take({ epoch: 'e', rev: 2, outputs: [bundle({ 'text/plain': 'two' })] });
    await vi.waitFor(() => expect(shown).toEqual([2]));
    expect(node.textContent).toBe('two');
  });

  it('prefers what JupyterLab prefers', async () => {
    await take([
      bundle({ 'text/plain': 'plain', 'image/png': 'AA==', 'text/html': '<b>html</b>' }),
      bundle({ 'text/plain': 'the alt', 'image/png': 'AA==' }, { 'image/png': { width: 40 } }),
      bundle({ 'text/plain': ['a', 'b'] })
    ]);
    expect(node.querySelector('b')!.textContent).toBe('html');
    const image = node.querySelector('img')!;
    expect([image.alt, image.getAttribute('width')]).toEqual(['the alt', '40']);
    expect(node.querySelector('pre.plain')!.textContent).toBe('ab');
  });

  it('draws formulas in text and Markdown, and not in prices', async () => {
    await take([
      bundle({ 'text/latex': 'so $x^2$' }),
      bundle({ 'text/markdown': '$a_1 b_2$ and *em*\n\n$$\ny\n$$\n' }),
      bundle({ 'text/markdown': 'from $5 to 10$5' })
    ]);
    const [latex, markdown, prices] = node.children;
    expect(latex.querySelectorAll('.katex').length).toBe(1);
    expect(markdown.querySelectorAll('.katex').length).toBe(2);
    expect(markdown.querySelector('em')!.textContent).toBe('em');
    expect(prices.querySelector('.katex')).toBeNull();
  });

  it('lets no formula load or link', async () => {
    await take([
      bundle({
        'text/latex':
          '$\\href{javascript:alert(1)}{x}\\includegraphics{https://x.example}\\url{https://x.example}$'
      })
    ]);
    expect(node.querySelector('a, img')).toBeNull();
  });

  it('draws errors, JSON and pictures of vectors without running them', async () => {
    await take([
      { output_type: 'error', ename: 'E', evalue: 'v', traceback: ['\x1b[31mtrace\x1b[0m'] },
      bundle({ 'application/json': { a: [1, 2] } }),
      bundle({ 'image/svg+xml': '<svg onload="window.pwned = 1"/>' })
    ]);
    expect(node.querySelector('pre.error .ansi-red-fg')!.textContent).toBe('trace');
    expect(node.querySelector('details')!.textContent).toBe('{1}a: [2]0: 11: 2');
    expect(node.querySelector('svg')).toBeNull();
    expect(node.querySelector('img')!.src).toContain('data:image/svg+xml');
  });

  it('says what it cannot draw', async () => {
    await take([bundle({ 'application/vnd.x+json': {}, 'text/plain': 'plain' })]);
    expect(node.textContent).toBe('no application/vnd.x+jsonplain');
  });

  it('says when there is nothing', async () => {
    await take([]);
    expect(node.dataset.empty).toBe('nothing yet');
  });
});
