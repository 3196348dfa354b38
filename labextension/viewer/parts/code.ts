/** Colours the code in Markdown in the style of JupyterLab. */

import { StreamLanguage, StreamParser } from '@codemirror/language';
import { csharp, kotlin, scala } from '@codemirror/legacy-modes/mode/clike';
import { diff } from '@codemirror/legacy-modes/mode/diff';
import { dockerFile } from '@codemirror/legacy-modes/mode/dockerfile';
import { fortran } from '@codemirror/legacy-modes/mode/fortran';
import { go } from '@codemirror/legacy-modes/mode/go';
import { haskell } from '@codemirror/legacy-modes/mode/haskell';
import { julia } from '@codemirror/legacy-modes/mode/julia';
import { lua } from '@codemirror/legacy-modes/mode/lua';
import { octave } from '@codemirror/legacy-modes/mode/octave';
import { perl } from '@codemirror/legacy-modes/mode/perl';
import { powerShell } from '@codemirror/legacy-modes/mode/powershell';
import { properties } from '@codemirror/legacy-modes/mode/properties';
import { r } from '@codemirror/legacy-modes/mode/r';
import { ruby } from '@codemirror/legacy-modes/mode/ruby';
import { shell } from '@codemirror/legacy-modes/mode/shell';
import { standardSQL } from '@codemirror/legacy-modes/mode/sql';
import { stex } from '@codemirror/legacy-modes/mode/stex';
import { swift } from '@codemirror/legacy-modes/mode/swift';
import { toml } from '@codemirror/legacy-modes/mode/toml';
import { yaml } from '@codemirror/legacy-modes/mode/yaml';
import { Parser } from '@lezer/common';
import { parser as cpp } from '@lezer/cpp';
import { parser as css } from '@lezer/css';
import { highlightCode } from '@lezer/highlight';
import { parser as html } from '@lezer/html';
import { parser as java } from '@lezer/java';
import { parser as javascript } from '@lezer/javascript';
import { parser as json } from '@lezer/json';
import { parser as markdown } from '@lezer/markdown';
import { parser as python } from '@lezer/python';
import { parser as rust } from '@lezer/rust';
import { parser as xml } from '@lezer/xml';
import { CODE_GLOBAL, Colour } from '../codeblocks';
import { codeStyle } from './codestyle';

const stream = (parser: StreamParser<unknown>) => StreamLanguage.define(parser).parser;

/** By the names that stand behind the fence of a block. */
const PARSERS: Record<string, Parser> = {
  'python py python3 ipython ipython3': python,
  'javascript js jsx node': javascript.configure({ dialect: 'jsx' }),
  'typescript ts tsx': javascript.configure({ dialect: 'ts jsx' }),
  'json jsonc ipynb': json,
  'html htm': html,
  css,
  'c h cpp c++ cc hpp cuda': cpp,
  java,
  'rust rs': rust,
  'xml svg': xml,
  'markdown md': markdown,
  'sql sqlite mysql postgresql': stream(standardSQL),
  'bash sh shell zsh console': stream(shell),
  r: stream(r),
  'julia jl': stream(julia),
  'yaml yml': stream(yaml),
  toml: stream(toml),
  'dockerfile docker': stream(dockerFile),
  'diff patch': stream(diff),
  'ruby rb': stream(ruby),
  'go golang': stream(go),
  swift: stream(swift),
  'haskell hs': stream(haskell),
  lua: stream(lua),
  'perl pl': stream(perl),
  'matlab octave': stream(octave),
  'fortran f90': stream(fortran),
  'latex tex': stream(stex),
  'powershell ps1': stream(powerShell),
  'ini properties cfg': stream(properties),
  'scala sbt': stream(scala),
  'kotlin kt': stream(kotlin),
  'csharp c# cs': stream(csharp)
};

const byName = new Map(
  Object.entries(PARSERS).flatMap(([names, parser]) =>
    names.split(' ').map(name => [name, parser] as const)
  )
);

const colour: Colour = (node, name) => {
  const code = node.textContent ?? '';
  const parser = byName.get(name.toLowerCase());
  if (!parser) {
    return;
  }
  node.replaceChildren();
  highlightCode(
    code,
    parser.parse(code),
    codeStyle,
    (text, classes) => {
      const span = document.createElement('span');
      span.className = classes;
      span.textContent = text;
      node.append(span);
    },
    () => node.append('\n')
  );
};

const style = document.createElement('style');
style.textContent = codeStyle.module?.getRules() ?? '';
document.head.append(style);
(window as unknown as Record<string, Colour>)[CODE_GLOBAL] = colour;
