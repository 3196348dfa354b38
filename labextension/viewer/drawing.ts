import { Words } from '../src/viewerprotocol';
import { colourCode } from './codeblocks';
import { FIGURES, drawDiagrams, drawFigure, isFigure } from './figures';
import { drawIsolated, isIsolated } from './isolated';
import { jsonTree } from './jsontree';
import { markdownToHtml, renderMarkdown, setHtml } from './markup';
import { errorsOf, fill, note } from './notes';
import { asText, IOutput, metadataOf } from './outputs';
import { picture } from './pictures';
import { whenRun } from './standins';
import { ansiToHtml, cutNote, MAX_SHOWN } from './terminal';
import { ITools } from './tools';

export const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';

/**
 * What of a bundle is drawn, the best first: the ranks of JupyterLab and of its extensions.
 *
 * What has the same rank stands in the order in which JupyterLab registers it.
 */
const ORDER = [
  ...FIGURES.early,
  'application/json',
  'text/javascript',
  'application/javascript',
  'text/html',
  ...FIGURES.late,
  'text/markdown',
  'text/latex',
  'image/svg+xml',
  'image/bmp',
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'application/pdf',
  'text/plain'
];

/** JupyterLab's classes of what is drawn, for its style sheet. */
const CLASSES: Record<string, string> = {
  'text/html': 'html jp-RenderedHTMLCommon jp-RenderedHTML',
  'text/markdown': 'html jp-RenderedHTMLCommon jp-RenderedMarkdown',
  'text/latex': 'jp-RenderedLatex',
  'text/plain': 'jp-RenderedText',
  'image/svg+xml': 'jp-RenderedSVG',
  'application/javascript': 'jp-RenderedJavaScript',
  'text/javascript': 'jp-RenderedJavaScript'
};

/** Its extension of JupyterLab draws the HTML beside it without the style and the margin of HTML. */
const HOLOVIEWS = 'application/vnd.holoviews_exec.v0+json';

/**
 * Draw one output that is no stream.
 *
 * @returns Settles when all of it can be shown without a flicker.
 */
export async function draw(node: HTMLElement, output: IOutput, tools: ITools): Promise<void> {
  const { words } = tools;
  if (output.output_type === 'error') {
    drawError(node, output, words);
    return;
  }
  const data = output.data ?? {};
  if (WIDGET_VIEW in data) {
    const why = tools.drawWidget(node, data);
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
      note(node, fill(mime ? words.noRenderer : words.noRendererAlone, foreign.slice(0, 100)));
    }
  }
  if (mime !== undefined) {
    const drawn = document.createElement('div');
    const isPlot = mime === 'text/html' && HOLOVIEWS in data;
    drawn.className = `jp-OutputArea-output ${isPlot ? '' : (CLASSES[mime] ?? '')}`;
    drawn.dataset.mimeType = mime;
    node.append(drawn);
    await drawMime(drawn, mime, output, tools);
  }
}

/** Draw any one output, a stream too, where it stands alone. */
export function drawOutput(node: HTMLElement, output: IOutput, tools: ITools): void {
  if (output.output_type === 'stream') {
    const kind = output.name === 'stderr' ? 'stderr' : 'stdout';
    text(node, asText(output.text), `stream ${kind}`, tools.words, 'end');
    (node.lastElementChild as HTMLElement).dataset.mimeType = `application/vnd.jupyter.${kind}`;
  } else {
    void draw(node, output, tools);
  }
}

async function drawMime(
  node: HTMLElement,
  mime: string,
  output: IOutput,
  tools: ITools
): Promise<void> {
  const value = output.data?.[mime];
  if (isIsolated(mime, output.metadata)) {
    const source = asText(value);
    const html = mime === 'text/markdown' ? markdownToHtml(source) : source;
    await drawIsolated(node, mime, html, tools);
    return;
  }
  if (isFigure(mime)) {
    await drawFigure(node, mime, output, tools);
    return;
  }
  switch (mime) {
    case 'text/html':
      setHtml(node, asText(value));
      await Promise.all([runScripts(node), tools.mathematics.typeset(node)]);
      break;
    case 'text/markdown':
      renderMarkdown(node, asText(value));
      // Formulas are queued at once: the macros of one output count in the next.
      await Promise.all([
        runScripts(node),
        tools.mathematics.typeset(node),
        drawDiagrams(node, tools),
        colourCode(node, tools.parts)
      ]);
      break;
    case 'text/latex':
      node.textContent = asText(value);
      await tools.mathematics.typeset(node);
      break;
    case 'text/javascript':
    case 'application/javascript':
      runOrSayWhyNot(node, asText(value), tools.words);
      break;
    case 'application/json':
      node.append(jsonTree(value, metadataOf(output, mime)));
      break;
    case 'text/plain':
      text(node, asText(value), 'plain', tools.words, 'start');
      break;
    default:
      await picture(node, mime, asText(value), output, asText(output.data?.['text/plain']));
  }
}

/** An error: of a traceback that is too long the beginning and the end, of each frame its beginning. */
function drawError(node: HTMLElement, { ename, evalue, traceback }: IOutput, words: Words): void {
  const parts = traceback?.length ? traceback : [`${ename ?? 'Error'}: ${evalue ?? ''}`];
  const element = textNode(node, 'error');
  (node.lastElementChild as HTMLElement).dataset.mimeType = 'application/vnd.jupyter.error';
  const most = MAX_SHOWN / 8;
  const isLong = parts.length > 16;
  [...(isLong ? parts.slice(0, 8) : parts), ...(isLong ? parts.slice(-8) : [])].forEach(part =>
    append(element, `${part}\n`, words, 'start', most)
  );
  if (isLong) {
    const left = parts.slice(8, -8).reduce((sum, part) => sum + part.length, 0);
    element.append(cutNote(words.left, left));
  }
}

type Keep = 'start' | 'end';

function text(node: HTMLElement, value: string, kind: string, words: Words, keep: Keep): void {
  append(textNode(node, kind), value, words, keep, MAX_SHOWN);
}

function textNode(node: HTMLElement, kind: string): HTMLElement {
  const element = document.createElement('pre');
  element.className = kind;
  if (node.classList.contains('jp-RenderedText')) {
    node.append(element);
  } else {
    const around = document.createElement('div');
    around.className = 'jp-OutputArea-output jp-RenderedText';
    around.append(element);
    node.append(around);
  }
  return element;
}

/** Add text to a node; where there is too much of it, a line says what is left out. */
function append(node: HTMLElement, value: string, words: Words, keep: Keep, most: number): void {
  const left = value.length - most;
  const shown = left <= 0 ? value : keep === 'start' ? value.slice(0, most) : value.slice(-most);
  const span = document.createElement('span');
  span.innerHTML = ansiToHtml(shown);
  node.append(span);
  if (left > 0) {
    const said = cutNote(keep === 'start' ? words.left : words.cut, left);
    const [before, after] = keep === 'start' ? ['\n', '\n'] : ['', '\n'];
    span[keep === 'start' ? 'after' : 'before'](before, said, after);
  }
}

/**
 * Scripts that were set as HTML do not run; new ones in their places do, one after the other.
 *
 * A library that the pane has itself is there before the next one runs.
 */
export async function runScripts(node: HTMLElement): Promise<void> {
  for (const dead of node.querySelectorAll('script')) {
    const script = document.createElement('script');
    for (const { name, value } of dead.attributes) {
      script.setAttribute(name, value);
    }
    script.textContent = dead.textContent;
    const run = whenRun(script);
    dead.replaceWith(script);
    if (run) {
      await run;
    }
  }
}

/** Run a script; where it fails its error stands in its place, as in JupyterLab. */
function runOrSayWhyNot(node: HTMLElement, source: string, words: Words): void {
  for (const { error, message } of errorsOf(() => runScript(node, source))) {
    const why = error instanceof Error ? error.message : message;
    node.className = 'jp-OutputArea-output jp-RenderedText';
    node.dataset.mimeType = 'application/vnd.jupyter.stderr';
    append(textNode(node, 'error'), fill(words.scriptError, why), words, 'start', MAX_SHOWN);
  }
}

/** Run a script, which may draw into the node. */
export function runScript(node: HTMLElement, source: string): void {
  const script = document.createElement('script');
  // As in JupyterLab, `element` is where the script may draw.
  script.textContent = `(function(element){${source}\n})(document.currentScript.parentElement);`;
  node.append(script);
}
