import { Marked, TokenizerAndRendererExtension } from 'marked';
import { escapeHtml } from './ansi';

/** Draw Markdown; the HTML in it counts, since nothing here can reach further than the frame. */
export function renderMarkdown(node: HTMLElement, text: string): void {
  node.innerHTML = markdown.parse(text, { async: false });
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
