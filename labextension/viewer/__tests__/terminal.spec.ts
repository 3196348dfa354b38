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

  it.each([
    ['\x1b[7minverse', 'ansi-default-inverse-fg ansi-default-inverse-bg', ''],
    ['\x1b[31;42;7mboth', 'ansi-green-fg ansi-red-bg', ''],
    ['\x1b[101mground', 'ansi-red-intense-bg', ''],
    ['\x1b[48;5;12m256', 'ansi-blue-intense-bg', ''],
    ['\x1b[97;104mwhite', 'ansi-white-intense-fg ansi-blue-intense-bg', ''],
    ['\x1b[1;31mbold', 'ansi-red-intense-fg ansi-bold', ''],
    ['\x1b[4munder', 'ansi-underline', ''],
    ['\x1b[38;5;208mcube', '', 'color: rgb(255, 135, 0)'],
    ['\x1b[48;2;1;2;3mtrue', '', 'background-color: rgb(1, 2, 3)'],
    ['\x1b[38;5;244mgrey', '', 'color: rgb(128, 128, 128)']
  ])('is drawn as JupyterLab draws %j', (text, classes, style) => {
    const node = document.createElement('pre');
    node.innerHTML = ansiToHtml(`${text}\x1b[0m plain`);
    const span = node.querySelector('span')!;
    expect(span.className).toBe(classes);
    expect(span.getAttribute('style')?.replace(/,(?! )/g, ', ') ?? '').toBe(style);
    expect(node.lastChild!.textContent).toBe(' plain');
  });

  it('has its addresses as links, and no others', () => {
    const node = document.createElement('pre');
    node.innerHTML = ansiToHtml('see https://a.example/x?y=1&z=2, (www.b.example) javascript:x');
    const links = [...node.querySelectorAll('a')].map(each => each.getAttribute('href'));
    expect(links).toEqual(['https://a.example/x?y=1&z=2', 'https://www.b.example']);
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
    const [first] = view.node.firstElementChild!.children;
    view.show('one\ntwo\nthr');
    expect(view.node.firstElementChild!.children[0]).toBe(first);
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
