import katex from 'katex';
import renderMathInElement from 'katex/contrib/auto-render';
import { Marked, TokenizerAndRendererExtension } from 'marked';

/** What a formula may do: no commands that load or link, and an end to what it can unfold to. */
const MATH = {
  throwOnError: false,
  strict: 'ignore' as const,
  trust: false,
  maxExpand: 1000,
  maxSize: 50
};

const DELIMITERS = [
  { left: '$$', right: '$$', display: true },
  { left: '\\[', right: '\\]', display: true },
  { left: '\\(', right: '\\)', display: false },
  ...['equation', 'equation*', 'align', 'align*', 'gather', 'gather*'].map(name => ({
    left: `\\begin{${name}}`,
    right: `\\end{${name}}`,
    display: true
  })),
  { left: '$', right: '$', display: false }
];

/** Draw text in which formulas stand between their delimiters. */
export function renderLatex(node: HTMLElement, text: string): void {
  node.textContent = text;
  renderMathInElement(node, { ...MATH, delimiters: DELIMITERS });
}

/** Draw Markdown; the HTML in it counts, since nothing here can reach further than the frame. */
export function renderMarkdown(node: HTMLElement, text: string): void {
  node.innerHTML = markdown.parse(text, { async: false });
}

/** Where a formula of its own paragraph, or one in a line, may begin. */
const STARTS = { block: /\n(?:\$\$|\\\[|\\begin\{)/, inline: /\$|\\\(/ };

/** Formulas are taken out before Markdown sees their underscores and asterisks. */
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
      if (!match) {
        return undefined;
      }
      const text = match.slice(1).find(part => part !== undefined) ?? '';
      return { type: name, raw: match[0], text, displayMode: !/^(\$(?!\$)|\\\()/.test(match[0]) };
    },
    renderer: token => katex.renderToString(token.text, { ...MATH, displayMode: token.displayMode })
  };
}

const markdown = new Marked({
  gfm: true,
  extensions: [
    formula(
      'displayFormula',
      'block',
      /^(?:\$\$([^]+?)\$\$|\\\[([^]+?)\\\]|(\\begin\{([a-z]+\*?)\}[^]+?\\end\{\4\}))[ \t]*(?:\n|$)/
    ),
    formula(
      'formula',
      'inline',
      /^(?:\$\$([^]+?)\$\$|\$((?:\\.|[^$\\\n])+?)\$(?!\d)|\\\(([^]+?)\\\))/
    )
  ]
});
