// Builds the page in which panes are drawn: one file with everything in it, since a page of opaque
// origin sends no cookies for anything it would load.

import process from 'node:process';
import { URL, fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { mkdir, readFile, writeFile } from 'node:fs/promises';

const here = path => fileURLToPath(new URL(path, import.meta.url));
const OUT = here('../../jupyter_peer/static/');

// It comes as an AMD module, which asks for `define`; only the factory in it is of use here.
const anywidget = {
  name: 'anywidget',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]anywidget[\\/]dist[\\/]index\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const asked = /define\(\["@jupyter-widgets\/base"\], (\w+)\);\s*$/;
      if (!asked.test(source)) {
        throw new Error('anywidget is not built as it was: see viewer/build.mjs');
      }
      return { contents: source.replace(asked, 'export default $1;') };
    });
  }
};

/** Bundle one entry in memory; returns its script and its style sheet. */
async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [here(entry)],
    outdir: OUT,
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: 'es2020',
    charset: 'utf8',
    legalComments: 'inline',
    // Every browser with sandboxed frames reads WOFF2; the other fonts of KaTeX would be as much again.
    loader: {
      '.woff2': 'dataurl',
      '.woff': 'empty',
      '.ttf': 'empty',
      '.eot': 'empty',
      '.svg': 'empty'
    },
    plugins: [anywidget],
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    logLevel: 'warning'
  });
  const text = ending => outputFiles.find(file => file.path.endsWith(ending))?.text ?? '';
  return { script: text('.js'), style: text('.css') };
}

const attribute = html => html.replace(/&/g, '&amp;').replace(/"/g, '&quot;');

const { script, style } = await bundle('./main.ts');
const witness = await bundle('./witness.ts');
const content = `<!doctype html><html><head><meta charset="utf-8"><style>${style}</style></head>
<body><main id="pane"></main><footer id="notes" role="status"></footer>
<script>${script}</script></body></html>`;

// The content is a frame in a frame. The policy of the outer page keeps the content from going anywhere,
// and the script of the outer page reports what a script in the content cannot forge.
const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Pane</title>
<style>html,body,iframe{display:block;width:100%;height:100%;margin:0;border:0;background:transparent}
iframe{outline:0 solid #000}
iframe:active{outline-color:#fff;transition:outline-color 1ms}</style></head>
<body><iframe sandbox="allow-scripts" title="Pane" srcdoc="${attribute(content)}"></iframe>
<script>${witness.script}</script></body></html>
`;

const widgets = await bundle('./widgets/entry.ts');
const css = JSON.stringify(widgets.style);
const code = `document.head.append(Object.assign(document.createElement("style"),{textContent:${css}}));\n${widgets.script}`;

await mkdir(OUT, { recursive: true });
for (const [name, text] of Object.entries({ 'viewer.html': page, 'widgets.js': code })) {
  await writeFile(OUT + name, text);
  process.stdout.write(`${name} ${Math.round(text.length / 1024)} KiB\n`);
}
