/** The style of code in JupyterLab: its colours by the theme's variables. */

import { HighlightStyle } from '@codemirror/language';
import { Tag, tags as t } from '@lezer/highlight';

const variable = (name: string) => ({ color: `var(--jp-mirror-editor-${name}-color)` });
const bold = { fontWeight: 'bold' };
const italic = { fontStyle: 'italic' };

/** A rule comes before those above it; `@jupyterlab/codemirror` has the same ones. */
const RULES: [Tag | Tag[], Record<string, string>][] = [
  [t.meta, variable('meta')],
  [t.heading, variable('header')],
  [[t.heading1, t.heading2, t.heading3, t.heading4], { ...variable('header'), ...bold }],
  [t.keyword, { ...variable('keyword'), ...bold }],
  [t.atom, variable('atom')],
  [t.number, variable('number')],
  [[t.definition(t.name), t.function(t.definition(t.variableName))], variable('def')],
  [t.standard(t.variableName), variable('builtin')],
  [[t.special(t.variableName), t.self], variable('variable-2')],
  [t.punctuation, variable('punctuation')],
  [t.propertyName, variable('property')],
  [t.operator, { ...variable('operator'), ...bold }],
  [t.comment, { ...variable('comment'), ...italic }],
  [t.string, variable('string')],
  [[t.labelName, t.monospace, t.special(t.string)], variable('string-2')],
  [t.bracket, variable('bracket')],
  [t.tagName, variable('tag')],
  [t.attributeName, variable('attribute')],
  [t.quote, variable('quote')],
  [t.link, { ...variable('link'), textDecoration: 'underline' }],
  [[t.separator, t.derefOperator, t.paren], { color: '' }],
  [t.strong, bold],
  [t.emphasis, italic],
  [t.strikethrough, { textDecoration: 'line-through' }],
  [t.bool, { ...variable('keyword'), ...bold }]
];

export const codeStyle = HighlightStyle.define(RULES.map(([tag, rule]) => ({ tag, ...rule })));
