import { Marked, TokenizerAndRendererExtension } from 'marked';
import { escapeHtml } from './ansi';

/** Draw Markdown; the HTML in it counts, since nothing here can reach further than the frame. */
export function renderMarkdown(node: HTMLElement, text: string): void {
  setHtml(node, markdownToHtml(text));
}

export function markdownToHtml(text: string): string {
  return markdown.parse(text, { async: false });
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
  node.replaceChildren(template.content);
}

function takeOutHints(root: DocumentFragment): void {
  for (const link of root.querySelectorAll('link')) {
    if (link.rel.trim().toLowerCase() !== 'stylesheet') {
      link.remove();
    }
  }
  for (const { content } of root.querySelectorAll('template')) {
    takeOutHints(content);
  }
}

/** Where a formula of its own paragraph, or one in a line, may begin. */
const STARTS = { block: /\n(?:\$\$|\\\[|\\begin\{)/, inline: /\$|\\\(|\\\[|\\begin\{/ };

/** Formulas are taken out before Markdown sees their underscores, and are typeset afterwards. */
function formula(
  name: string,
  level: 'block' | 'inline',
  pattern: RegExp
): TokenizerAndRendererExtension {
  return {
    name,
    level,
    start: source => source.match(STARTS[level])?.index,
    tokenizer(source) {
      const match = pattern.exec(source);
      return match ? { type: name, raw: match[0] } : undefined;
    },
    renderer: token =>
      level === 'block' ? `<p>${escapeHtml(token.raw.trim())}</p>\n` : escapeHtml(token.raw)
  };
}

const ENVIRONMENT = String.raw`\\begin\{([a-zA-Z]+\*?)\}[^]+?\\end\{\1\}`;

const markdown = new Marked({
  gfm: true,
  extensions: [
    formula(
      'displayFormula',
      'block',
      new RegExp(String.raw`^(?:${ENVIRONMENT}|\$\$[^]+?\$\$|\\\[[^]+?\\\])[ \t]*(?:\n|$)`)
    ),
    formula(
      'formula',
      'inline',
      new RegExp(
        String.raw`^(?:${ENVIRONMENT}|\$\$[^]+?\$\$|\\\[[^]+?\\\]` +
          String.raw`|\$(?:\\.|[^$\\\n])+?\$(?!\d)|\\\([^]+?\\\))`
      )
    )
  ]
});
