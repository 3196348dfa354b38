import { Words } from '../src/viewerprotocol';
import { renderLatex, renderMarkdown } from './markup';
import { IOutput, MimeBundle } from './outputs';
import { ansiToHtml, MAX_SHOWN } from './terminal';

export const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';

/** What of a bundle is drawn, the best first: JupyterLab's own order. */
const ORDER = [
  'text/html',
  'text/markdown',
  'image/svg+xml',
  'text/latex',
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'application/javascript',
  'application/json',
  'text/plain'
];

const MAX_TREE = 2000;

/** Draws a widget into a node; else why not (empty to say nothing), and the plain text is drawn. */
export type DrawWidget = (node: HTMLElement, bundle: MimeBundle) => true | string;

/**
 * Draw one output that is no stream.
 *
 * @returns Settles when all of its pictures can be shown without a flicker.
 */
export async function draw(
  node: HTMLElement,
  output: IOutput,
  words: Words,
  drawWidget: DrawWidget
): Promise<void> {
  if (output.output_type === 'error') {
    pre(node, errorText(output), 'error');
    return;
  }
  const data = output.data ?? {};
  if (WIDGET_VIEW in data) {
    const why = drawWidget(node, data);
    if (why === true) {
      return;
    }
    if (why) {
      note(node, why);
    }
  }
  const mime = ORDER.find(each => each in data);
  if (mime === undefined || (mime === 'text/plain' && Object.keys(data).length > 1)) {
    const foreign = Object.keys(data).find(each => each !== 'text/plain' && each !== WIDGET_VIEW);
    if (foreign) {
      note(
        node,
        words.noRenderer.replace('%1', () => foreign.slice(0, 100))
      );
    }
  }
  if (mime !== undefined) {
    await drawMime(node, mime, data[mime], output.metadata, asText(data['text/plain']));
  }
}

/** Draw any one output, a stream too, where it stands alone. */
export function drawOutput(
  node: HTMLElement,
  output: IOutput,
  words: Words,
  drawWidget: DrawWidget
): void {
  if (output.output_type === 'stream') {
    pre(node, asText(output.text), `stream ${output.name === 'stderr' ? 'stderr' : 'stdout'}`);
  } else {
    void draw(node, output, words, drawWidget);
  }
}

async function drawMime(
  node: HTMLElement,
  mime: string,
  value: unknown,
  metadata: IOutput['metadata'],
  plain: string
): Promise<void> {
  switch (mime) {
    case 'text/html':
      node.classList.add('html');
      await renderHtml(node, asText(value));
      break;
    case 'text/markdown':
      node.classList.add('html');
      renderMarkdown(node, asText(value));
      await runScripts(node);
      break;
    case 'text/latex':
      renderLatex(node, asText(value));
      break;
    case 'application/javascript':
      await runScript(node, asText(value));
      break;
    case 'application/json':
      node.append(tree(value, { left: MAX_TREE }));
      break;
    case 'text/plain':
      pre(node, asText(value), 'plain');
      break;
    default:
      await picture(node, mime, asText(value), metadata?.[mime] ?? metadata, plain);
  }
}

/** A string of nbformat, which may be a list of lines. */
function asText(value: unknown): string {
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}

function errorText({ ename, evalue, traceback }: IOutput): string {
  return traceback?.length ? traceback.join('\n') : `${ename ?? 'Error'}: ${evalue ?? ''}`;
}

function pre(node: HTMLElement, text: string, kind: string): void {
  const element = document.createElement('pre');
  element.className = kind;
  element.innerHTML = ansiToHtml(text.slice(-MAX_SHOWN));
  node.append(element);
}

export function note(node: HTMLElement, text: string): void {
  const element = document.createElement('p');
  element.className = 'note';
  element.textContent = text;
  node.append(element);
}

async function picture(
  node: HTMLElement,
  mime: string,
  value: string,
  metadata: unknown,
  plain: string
): Promise<void> {
  const image = document.createElement('img');
  // As a picture an SVG runs no script and loads nothing.
  image.src =
    mime === 'image/svg+xml'
      ? `data:${mime};charset=utf-8,${encodeURIComponent(value)}`
      : `data:${mime};base64,${value.replace(/\s/g, '')}`;
  image.alt = plain.slice(0, 200) || mime;
  const { width, height, needs_background } = (metadata ?? {}) as Record<string, unknown>;
  for (const [side, size] of Object.entries({ width, height })) {
    if (typeof size === 'number' && size > 0 && size < 100_000) {
      image.setAttribute(side, String(Math.round(size)));
    }
  }
  if (needs_background === 'light' || needs_background === 'dark') {
    image.dataset.background = needs_background;
  }
  node.append(image);
  // A broken picture shows its text.
  await image.decode().catch(() => undefined);
}

async function renderHtml(node: HTMLElement, html: string): Promise<void> {
  node.innerHTML = html;
  await runScripts(node);
}

/** Scripts that were set as HTML do not run; new ones in their places do, one after the other. */
async function runScripts(node: HTMLElement): Promise<void> {
  for (const dead of node.querySelectorAll('script')) {
    const script = document.createElement('script');
    for (const { name, value } of dead.attributes) {
      script.setAttribute(name, value);
    }
    script.textContent = dead.textContent;
    dead.replaceWith(script);
  }
}

async function runScript(node: HTMLElement, source: string): Promise<void> {
  const script = document.createElement('script');
  // As in JupyterLab, `element` is where the script may draw.
  script.textContent = `(function(element){${source}\n})(document.currentScript.parentElement);`;
  node.append(script);
}

/** JSON that folds; as much of it as can be read. */
function tree(value: unknown, budget: { left: number }, key?: string): HTMLElement {
  const name = key === undefined ? '' : `${key}: `;
  budget.left -= 1;
  if (value === null || typeof value !== 'object') {
    const leaf = document.createElement('div');
    leaf.className = 'json';
    leaf.textContent = name + JSON.stringify(value);
    return leaf;
  }
  const entries = Object.entries(value);
  const branch = document.createElement('details');
  branch.className = 'json';
  branch.open = key === undefined;
  const summary = document.createElement('summary');
  summary.textContent =
    name + (Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`);
  branch.append(summary);
  for (const [each, item] of entries) {
    if (budget.left <= 0) {
      branch.append('…');
      break;
    }
    branch.append(tree(item, budget, each));
  }
  return branch;
}
