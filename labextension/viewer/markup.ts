import { removeMath, replaceMath } from '@jupyterlab/rendermime/lib/latex';
import { Marked } from 'marked';
import { bytesOf } from './base64';
import { decode } from './decode';
import { isOfIcons } from './icons';

/** Draw Markdown; the HTML in it counts, since nothing here can reach further than the frame. */
export function renderMarkdown(node: HTMLElement, text: string): void {
  setHtml(node, markdownToHtml(text));
}

/** Formulas are taken out before Markdown sees their underscores: what is one, JupyterLab decides. */
export function markdownToHtml(source: string): string {
  const { text, math } = removeMath(source);
  return replaceMath(markdown.parse(text, { async: false }), math);
}

/**
 * Put markup into a node, without links that a browser follows as soon as they are in a document.
 *
 * `preconnect` and `dns-prefetch` are subject to no policy, and act before an observer can remove them.
 * A style sheet stays, so that the frame reports that it was not loaded.
 */
export function setHtml(node: HTMLElement, html: string): void {
  const template = document.createElement('template');
  template.innerHTML = html;
  takeOutHints(template.content);
  template.content.querySelectorAll('iframe').forEach(putPageIn);
  node.replaceChildren(template.content);
}

/** A page that a frame has in its address; the policy of the pane lets in no address. */
const PAGE = /^\s*data:text\/html(?:;charset=[\w-]+)?(;base64)?,/i;

/** Put the page that a frame has in its address into the frame itself. */
function putPageIn(frame: HTMLIFrameElement): void {
  const match = PAGE.exec(frame.getAttribute('src') ?? '');
  if (!match || frame.hasAttribute('srcdoc')) {
    return;
  }
  const page = decode(match.input.slice(match[0].length));
  try {
    frame.srcdoc = match[1] ? new TextDecoder().decode(bytesOf(page)) : page;
    frame.removeAttribute('src');
  } catch {
    // It is no base64, and the browser says what is wrong.
  }
}

/** Take out what a browser would follow by itself, and what would only be reported as not loaded. */
function takeOutHints(root: DocumentFragment): void {
  for (const link of root.querySelectorAll('link')) {
    if (link.rel.trim().toLowerCase() !== 'stylesheet' || isOfIcons(link)) {
      link.remove();
    }
  }
  for (const { content } of root.querySelectorAll('template')) {
    takeOutHints(content);
  }
}

const markdown = new Marked({ gfm: true });
