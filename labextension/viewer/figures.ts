/** Kinds of outputs that need a library of their own, which comes with the first of them. */

import { Part } from '../src/viewerprotocol';
import { fill, note } from './notes';
import { asText, IOutput, metadataOf } from './outputs';
import { ITools } from './tools';

/** Draws a figure; the library's code has given it to the page. */
export type DrawFigure = (
  node: HTMLElement,
  value: unknown,
  metadata: Record<string, unknown>,
  isLight: boolean
) => Promise<void> | void;

/** The global by which the code of a part gives its drawing to the page. */
export const figureGlobal = (part: Part): string => `jupyterPeerDraw_${part}`;

/** Altair 6 writes a dot where the others write a plus. */
const VEGA = /^application\/vnd\.vega(lite)?\.v\d+(\.\d+)*[+.]json$/;

const MERMAID = 'text/vnd.mermaid';

const PLAIN_KINDS: Record<string, Part> = {
  'application/vnd.plotly.v1+json': 'plotly',
  'application/geo+json': 'vega',
  [MERMAID]: 'mermaid',
  'application/pdf': 'pdf'
};

const vegaMimes = (name: string, versions: number[]): string[] =>
  versions.flatMap(version =>
    ['+', '.'].map(dot => `application/vnd.${name}.v${version}${dot}json`)
  );

/** By JupyterLab's order: before HTML, or after it. */
export const FIGURES = {
  early: ['application/vnd.plotly.v1+json', 'application/geo+json', MERMAID],
  late: [...vegaMimes('vegalite', [6, 5, 4, 3]), ...vegaMimes('vega', [6, 5, 4, 3])]
};

export function isFigure(mime: string): boolean {
  return partOf(mime) !== null;
}

function partOf(mime: string): Part | null {
  return VEGA.test(mime) ? 'vega' : (PLAIN_KINDS[mime] ?? null);
}

/** The value of a kind that is JSON; kernels write it as text where its name does not end in `+json`. */
function read(mime: string, value: unknown): unknown {
  return mime.endsWith('json') && typeof value === 'string' ? JSON.parse(value) : value;
}

/** Draw the blocks of code in Markdown that are diagrams, each in its place. */
export async function drawDiagrams(node: HTMLElement, tools: ITools): Promise<void> {
  for (const { parentElement, textContent } of node.querySelectorAll(
    'pre > code.language-mermaid'
  )) {
    const figure = document.createElement('div');
    parentElement?.replaceWith(figure);
    const data = { [MERMAID]: textContent, 'text/plain': textContent };
    await drawFigure(figure, MERMAID, { output_type: 'display_data', data }, tools);
  }
}

/** Draw a figure; without its library, or where that fails, its plain text and why. */
export async function drawFigure(
  node: HTMLElement,
  mime: string,
  output: IOutput,
  { parts, words }: ITools
): Promise<void> {
  const part = partOf(mime) as Part;
  const isLight = document.body.dataset.jpThemeLight !== 'false';
  try {
    if (!(await parts.need(part))) {
      throw new Error(part);
    }
    const scope = window as unknown as Record<string, DrawFigure>;
    node.classList.add('figure');
    const metadata = { ...metadataOf(output, mime), mime };
    await scope[figureGlobal(part)](node, read(mime, output.data?.[mime]), metadata, isLight);
  } catch (reason) {
    // The source of a diagram is text, and says more than another text beside it.
    const plain = asText(output.data?.[mime === MERMAID ? mime : 'text/plain']);
    const why = reason instanceof Error ? reason.message : String(reason);
    node.replaceChildren();
    note(node, fill(plain ? words.notDrawn : words.notDrawnAlone, `${mime}: ${why}`.slice(0, 300)));
    if (plain) {
      const text = document.createElement('pre');
      text.className = 'plain';
      text.textContent = plain;
      node.append(text);
    }
  }
}
