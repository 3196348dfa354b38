import { Blob as WholeBlob } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Part, Words } from '../../src/viewerprotocol';
import { figureGlobal } from '../figures';
import { bringIcons } from '../icons';
import { MATH_GLOBAL, Mathematics } from '../mathematics';
import { Notes } from '../notes';
import { Pane } from '../pane';
import { Parts } from '../parts';
import { MAX_SHOWN } from '../terminal';

const WORDS = {
  nothing: 'nothing yet',
  noRenderer: 'no %1',
  noRendererAlone: 'only no %1',
  notDrawnAlone: 'only not %1',
  notDrawn: 'not %1',
  invisible: 'invisible',
  scriptError: 'Javascript Error: %1',
  cut: '%1 cut',
  left: '%1 left'
} as Words;

let node: HTMLElement;
let pane: Pane;
let shown: number[];
let rev: number;
let asked: Part[];
let parts: Parts;
/** The pictures of the page by their addresses. */
let pictures: Map<string, Blob>;
const scope = window as unknown as Record<string, unknown>;

beforeEach(() => {
  document.body.innerHTML = '';
  node = document.body.appendChild(document.createElement('main'));
  shown = [];
  rev = 0;
  asked = [];
  parts = new Parts(part => asked.push(part));
  const mathematics = new Mathematics(parts);
  const tools = {
    words: WORDS,
    parts,
    mathematics,
    onBlocked: () => undefined,
    onLink: () => undefined,
    drawWidget: () => 'why not'
  };
  pane = new Pane(node, tools, each => shown.push(each));
  HTMLImageElement.prototype.decode = async () => undefined;
  // jsdom's has no text().
  vi.stubGlobal('Blob', WholeBlob);
  pictures = new Map();
  URL.createObjectURL = each => {
    const address = `blob:null/${pictures.size}`;
    pictures.set(address, each as Blob);
    return address;
  };
  URL.revokeObjectURL = address => pictures.delete(address);
});

async function take(outputs: object[]): Promise<void> {
  pane.take({ epoch: 'e', rev: ++rev, outputs });
  await vi.waitFor(() => expect(shown).toContain(rev));
}

const textOf = (image: HTMLImageElement) => pictures.get(image.src)!.text();
const bundle = (data: object, metadata = {}) => ({ output_type: 'display_data', data, metadata });

describe('Pane', () => {
  it('writes the texts of JSON as they are', async () => {
    await take([bundle({ 'application/json': { a: 'one\n"two"', b: null, c: 1e-7 } })]);
    const values = [...node.querySelectorAll('.json-value')].map(each => each.textContent);
    expect(values).toEqual(['"one\n"two""', 'null', '1e-7']);
  });

  it('leaves what has not changed as it is', async () => {
    const first = bundle({ 'text/plain': 'one' });
    await take([first, bundle({ 'text/plain': 'two' })]);
    const [kept, gone] = node.children;
    await take([first, bundle({ 'text/plain': 'three' })]);
    expect(node.children[0]).toBe(kept);
    expect(node.contains(gone)).toBe(false);
    expect(node.textContent).toBe('onethree');
  });

  it('leaves what a whole state repeats as it is, except the views of widgets', async () => {
    const view = { 'application/vnd.jupyter.widget-view+json': { model_id: 'm' } };
    const whole = () => [bundle({ 'text/html': '<p id="a"></p>' }), bundle(view)];
    await take(whole());
    const [kept, widget] = node.children;
    await take(whole());
    expect(node.children[0]).toBe(kept);
    expect(node.children[1]).not.toBe(widget);
    expect(node.children).toHaveLength(2);
  });

  it('draws before what it replaces, so that a script finds its own place by the id', async () => {
    const html = (text: string) => bundle({ 'text/html': `<p id="place">${text}</p>` });
    await take([html('old')]);
    const found: (string | null)[][] = [];
    new MutationObserver(() => {
      found.push([...node.querySelectorAll('p')].map(each => each.textContent));
    }).observe(node, { childList: true });
    await take([html('new')]);
    expect(found).toEqual([['new', 'old'], ['new']]);
    expect(node.textContent).toBe('new');
  });

  it('puts each output into the page once, in their order: a frame that is moved loads again', async () => {
    const html = (text: string) => bundle({ 'text/html': `<p>${text}</p>` });
    const added: Node[] = [];
    new MutationObserver(changes => {
      added.push(...changes.flatMap(({ addedNodes }) => [...addedNodes]));
    }).observe(node, { childList: true });
    const print = (text: string) => ({ output_type: 'stream', name: 'stdout', text });
    await take([html('a'), print('b'), html('c'), print('d')]);
    await vi.waitFor(() => expect(added).toHaveLength(4));
    expect(new Set(added)).toEqual(new Set(node.children));
    expect(node.textContent).toBe('abcd');
    await take([print('1'), html('2'), html('c'), html('d')]);
    expect(node.textContent).toBe('12cd');
    expect(node.children).toHaveLength(4);
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

  it('typesets formulas in HTML, text and Markdown, in their order, and leaves Markdown to them', async () => {
    const typeset: string[] = [];
    scope[MATH_GLOBAL] = (each: HTMLElement) => typeset.push(each.textContent!.trim());
    const whole = take([
      bundle({ 'text/html': '<b>no formula</b>' }),
      bundle({ 'text/html': '<i>$x^2$</i>' }),
      bundle({ 'text/latex': '\\begin{eqnarray} a &=& b \\end{eqnarray}' }),
      bundle({ 'text/markdown': '$a_1 b_2$ and *em*\n\n$$\ny_1 *z*\n$$\n\n```py\nx\n```' }),
      bundle({ 'text/html': '<i class="fa">$x^3$</i>' }),
      bundle({ 'text/latex': '$x^4$' })
    ]);
    await vi.waitFor(() => expect(asked.length).toBe(2));
    asked.forEach(part => parts.arrived(part, part === 'math' ? '' : null));
    await whole;
    await vi.waitFor(() => expect(typeset.length).toBe(5));
    expect(typeset[0]).toBe('$x^2$');
    expect(typeset[1]).toContain('eqnarray');
    expect(typeset[2]).toMatch(/^\$a_1 b_2\$ and em\s+\$\$\s*y_1 \*z\*\s*\$\$\s+x$/);
    expect(typeset.slice(3)).toEqual(['$x^3$', '$x^4$']);
  });

  it('takes for a formula in Markdown what JupyterLab takes for one', async () => {
    const step = take([
      bundle({
        'text/markdown':
          'costs $5 and $10, `$x$` is \\(code\\), $ a $ and \\\\(b_1 c_1\\\\)\n\n```\n$y$\n```'
      })
    ]);
    await vi.waitFor(() => expect(asked).toEqual(['math']));
    parts.arrived('math', null);
    await step;
    expect([...node.querySelectorAll('code')].map(each => each.textContent)).toEqual([
      '$x$',
      '$y$\n'
    ]);
    expect(node.querySelector('p')!.textContent).toBe(
      'costs $5 and $10, $x$ is (code), $ a $ and \\(b_1 c_1\\)'
    );
  });

  it('has the icons that JupyterLab’s page has, and does not ask for their style sheet', async () => {
    const sheet = 'https://maxcdn.example/font-awesome/4.4.0/css/font-awesome.min.css';
    const newer = 'https://cdn.example/font-awesome/6.5.0/css/all.min.css';
    const links = [sheet, newer].map(each => `<link rel="stylesheet" href="${each}">`).join('');
    bringIcons(node, parts);
    await take([bundle({ 'text/html': `${links}<button>play</button>` })]);
    expect(asked).toEqual([]);
    node.querySelector('button')!.innerHTML = '<i class="fa fa-play"></i>';
    await vi.waitFor(() => expect(asked).toEqual(['icons']));
    expect([...node.querySelectorAll('link')].map(each => each.href)).toEqual([newer]);
  });

  it('draws the diagrams of Markdown', async () => {
    scope[figureGlobal('mermaid')] = (each: HTMLElement, value: string) => {
      each.innerHTML = `<svg>${value}</svg>`;
    };
    const step = take([
      bundle({ 'text/markdown': 'one\n\n```mermaid\ngraph LR; A --> B\n```\n\n```\nplain\n```' })
    ]);
    await vi.waitFor(() => expect(asked).toEqual(['mermaid']));
    parts.arrived('mermaid', '');
    await step;
    expect(node.querySelector('svg')!.textContent).toBe('graph LR; A --> B\n');
    expect(node.querySelector('pre')!.textContent).toBe('plain\n');
  });

  it('says in place of a script why it failed', async () => {
    const notes = new Notes(
      document.createElement('footer'),
      WORDS,
      () => undefined,
      () => false
    );
    const noted = vi.spyOn(notes, 'add');
    await take([
      bundle({ 'application/javascript': 'IPython.notebook' }),
      bundle({ 'text/javascript': 'this is no script' }),
      bundle({ 'text/javascript': 'element.append("ran")' })
    ]);
    expect(noted).not.toHaveBeenCalled();
    const [first, second] = [...node.querySelectorAll('pre.error')].map(each => each.textContent);
    expect(first).toBe('Javascript Error: IPython is not defined');
    expect(second).toContain('Javascript Error: ');
    expect(node.lastElementChild!.textContent).toContain('ran');
  });

  it('draws figures by their library, once it is there, and says why when it cannot', async () => {
    scope[figureGlobal('plotly')] = (each: HTMLElement, value: object) => {
      each.textContent = JSON.stringify(value);
    };
    const figure = bundle({ 'application/vnd.plotly.v1+json': { data: [1] }, 'text/html': 'not' });
    const map = bundle({ 'application/geo+json': {}, 'text/plain': 'a map' });
    const step = take([figure, map]);
    await vi.waitFor(() => expect(asked).toEqual(['plotly', 'vega']));
    parts.arrived('plotly', '');
    parts.arrived('vega', null);
    await step;
    expect(node.children[0].textContent).toBe('{"data":[1]}');
    expect(node.children[1].textContent).toBe('not application/geo+json: vegaa map');
  });

  it('keeps a note above its fallback', async () => {
    const view = { 'application/vnd.jupyter.widget-view+json': { model_id: 'a' } };
    await take([bundle({ ...view, 'text/html': '<b>before</b>' })]);
    expect(node.textContent).toBe('why notbefore');
  });

  it('keeps the start of a long text, and of an error its name and frames, and says so', async () => {
    const long = 'x'.repeat(MAX_SHOWN);
    await take([
      bundle({ 'text/plain': `HEAD ${long} TAIL` }),
      { output_type: 'error', ename: 'E', evalue: 'v', traceback: ['FIRST', `NAME ${long}`] }
    ]);
    const [value, error] = node.children;
    expect(value.textContent).toMatch(/^HEAD x+\s10 left\s$/);
    expect(error.textContent).toMatch(/^FIRST\nNAME x+\s\d+ left\s/);
    expect(error.textContent!.length).toBeLessThan(MAX_SHOWN / 2);
  });

  it('gives a picture its size, its ground and its namespace', async () => {
    await take([
      bundle(
        { 'image/svg+xml': "<svg width='9'/>" },
        { 'image/svg+xml': { width: 40, unconfined: true }, needs_background: 'light' }
      ),
      // So it comes from matplotlib with the figure format `retina`.
      bundle(
        { 'image/png': 'AA==' },
        { 'image/png': { width: 40, height: 8.9, unconfined: true }, needs_background: 'light' }
      ),
      bundle(
        { 'image/png': 'AA==' },
        { width: 40, unconfined: true, 'image/png': { needs_background: 'light' } }
      )
    ]);
    const [svg, png, other] = node.querySelectorAll('img');
    expect(await textOf(svg)).toContain('<svg xmlns="http://www.w3.org/2000/svg" width');
    expect(svg.parentElement!.className).toContain('jp-RenderedSVG jp-mod-unconfined');
    expect([svg.getAttribute('width'), svg.className]).toEqual([null, '']);
    expect([png.getAttribute('width'), png.getAttribute('height')]).toEqual(['40', '8']);
    expect(png.className).toBe('jp-needs-light-background jp-mod-unconfined');
    expect([other.getAttribute('width'), other.className]).toEqual([null, '']);
  });

  it('keeps no picture that it does not show any more', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const png = (text: string) => bundle({ 'image/png': btoa(text) });
    await take([png('one')]);
    await take([png('two')]);
    await take([png('three')]);
    const left = () => Promise.all([...pictures.values()].map(each => each.text()));
    expect(await left()).toContain('three');
    await vi.waitFor(async () => {
      collect();
      expect(await left()).toEqual(['three']);
    });
  });

  it('shows the text of a picture that is none', async () => {
    await take([bundle({ 'image/png': 'no base64!', 'text/plain': 'a plot' })]);
    const image = node.querySelector('img')!;
    expect([image.alt, await textOf(image)]).toEqual(['a plot', '']);
  });

  it('draws what asks for it into a frame of its own', async () => {
    pane.take({
      epoch: 'e',
      rev: ++rev,
      outputs: [bundle({ 'text/html': '<style>p{}</style>' }, { 'text/html': { isolated: true } })]
    });
    const frame = await vi.waitFor(() => {
      const found = node.querySelector('iframe');
      expect(found).not.toBeNull();
      return found!;
    });
    expect(frame.getAttribute('sandbox')).toBe('allow-scripts');
    expect(node.querySelector('style')).toBeNull();
  });

  it('draws errors, JSON and pictures of vectors without running them', async () => {
    await take([
      { output_type: 'error', ename: 'E', evalue: 'v', traceback: ['\x1b[31mtrace\x1b[0m'] },
      bundle({ 'application/json': { a: [1, 2], b: {} } }),
      bundle({ 'image/svg+xml': '<svg onload="window.pwned = 1"/>' })
    ]);
    expect(node.querySelector('pre.error .ansi-red-fg')!.textContent).toBe('trace');
    expect(node.querySelector('details')!.textContent).toBe('▶ root ▶ a []  2 itemsb {}');
    expect(node.querySelector('svg')).toBeNull();
    const svg = node.querySelector('img')!;
    expect(pictures.get(svg.src)!.type).toBe('image/svg+xml');
    expect(await textOf(svg)).toContain('onload');
  });

  it('folds all of a tree but its root, unless its metadata say otherwise', async () => {
    const json = { 'application/json': { a: { b: 1 } } };
    const metadata = { 'application/json': { expanded: true, root: 'config' } };
    await take([bundle(json), { ...bundle(json), metadata }]);
    const [folded, expanded] = node.children;
    const names = (each: Element) => each.querySelector('summary')!.textContent;
    const open = (each: Element) => each.querySelectorAll('details[open]').length;
    expect([names(folded), open(folded)]).toEqual(['▶ root ', 1]);
    expect([names(expanded), open(expanded)]).toEqual(['▶ config ', 2]);
  });

  it('draws of a large tree what is looked at, and says how much more there is', async () => {
    const json = { list: Array.from({ length: 4500 }, () => 0), deep: { down: { here: 'text' } } };
    await take([bundle({ 'application/json': json })]);
    const values = () => node.querySelectorAll('.json-value').length;
    expect(values()).toBe(0);
    const unfold = (branch: HTMLDetailsElement) => {
      branch.open = true;
      branch.dispatchEvent(new Event('toggle'));
    };
    const [list, deep] = node.querySelectorAll<HTMLDetailsElement>('details details');
    unfold(list);
    expect(values()).toBe(2000);
    const more = () => list.querySelector('button')!;
    expect(more().textContent).toBe('… 2500 items');
    more().click();
    more().click();
    expect(values()).toBe(4500);
    expect(more()).toBeNull();
    unfold(deep);
    unfold(deep.querySelector('details')!);
    expect(deep.querySelector('.json-value')!.textContent).toBe('"text"');
  });

  it('says what it cannot draw', async () => {
    await take([bundle({ 'application/vnd.x+json': {}, 'text/plain': 'plain' })]);
    expect(node.textContent).toBe('no application/vnd.x+jsonplain');
    await take([bundle({ 'application/vnd.x+json': {} })]);
    expect(node.textContent).toBe('only no application/vnd.x+json');
    // A figure that fails has its plain text, a diagram its source, and others nothing.
    const failing = () => Promise.reject(new Error('broken'));
    scope[figureGlobal('mermaid')] = scope[figureGlobal('vega')] = failing;
    const step = take([
      bundle({ 'text/vnd.mermaid': 'source' }),
      bundle({ 'application/vnd.vega.v5+json': {} }),
      bundle({ 'application/vnd.vega.v5+json': {}, 'text/plain': 'plain' })
    ]);
    await vi.waitFor(() => expect(asked).toEqual(['mermaid', 'vega']));
    parts.arrived('mermaid', '');
    parts.arrived('vega', '');
    await step;
    const vega = 'application/vnd.vega.v5+json: broken';
    expect([...node.children].map(each => each.textContent)).toEqual([
      'not text/vnd.mermaid: brokensource',
      `only not ${vega}`,
      `not ${vega}plain`
    ]);
  });

  it('says when there is nothing', async () => {
    await take([]);
    expect(node.dataset.empty).toBe('nothing yet');
  });
});
