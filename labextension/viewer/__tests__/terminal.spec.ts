import { describe, expect, it } from 'vitest';
import { Words } from '../../src/viewerprotocol';
import { ansiToHtml, MAX_SHOWN, overwrite, StreamView } from '../terminal';

const WORDS = { cut: '%1 cut' } as Words;

describe('a terminal text', () => {
  it('has its colours as classes and everything else escaped', () => {
    expect(ansiToHtml('\x1b[31mred\x1b[0m <b>&</b>')).toBe(
      '<span class="ansi-red-fg">red</span> &lt;b&gt;&amp;&lt;/b&gt;'
    );
    expect(ansiToHtml('\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07')).not.toContain('javascript');
  });

  it('loses what was written over', () => {
    expect(overwrite('10%\r20%\r')).toBe('20%');
    expect(overwrite('long line\rab\nnext\r\n')).toBe('abng line\nnext\n');
    expect(overwrite('abc\b\bX')).toBe('aX');
    expect(overwrite('\b\bx')).toBe('x');
  });
});

describe('StreamView', () => {
  it('draws whole lines once and the last one again', () => {
    const view = new StreamView('stdout', WORDS);
    view.show('one\ntw');
    const [first] = view.node.children;
    view.show('one\ntwo\nthr');
    expect(view.node.children[0]).toBe(first);
    expect(view.node.textContent).toBe('one\ntwo\nthr');
    view.show('other');
    expect(view.node.textContent).toBe('other');
  });

  it('keeps a colour that goes on in the next line', () => {
    const view = new StreamView('stdout', WORDS);
    view.show('\x1b[32mgreen\n');
    view.show('\x1b[32mgreen\nstill');
    view.show('\x1b[32mgreen\nstill\x1b[0m not');
    const still = [...view.node.querySelectorAll('.ansi-green-fg')].map(node => node.textContent);
    expect(still).toEqual(['green\n', 'still']);
  });

  it('draws the end of a text that is too long, and says so', () => {
    const view = new StreamView('stdout', WORDS);
    view.show('x\n'.repeat(MAX_SHOWN));
    expect(view.node.textContent!.length).toBeLessThan(MAX_SHOWN + 50);
    expect(view.node.textContent).toMatch(/^\d+ cut/);
  });
});
