// Builds the page in which panes are drawn: one file with everything in it, since a page of opaque
// origin sends no cookies for anything it would load.

import process from 'node:process';
import { URL, fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { mkdir, writeFile } from 'node:fs/promises';

const here = path => fileURLToPath(new URL(path, import.meta.url));
const OUT = here('../../jupyter_peer/static/');

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
    loader: { '.woff2': 'dataurl', '.woff': 'empty', '.ttf': 'empty', '.svg': 'dataurl' },
    logLevel: 'warning'
  });
  const text = ending => outputFiles.find(file => file.path.endsWith(ending))?.text ?? '';
  return { script: text('.js'), style: text('.css') };
}

const attribute = html => html.replace(/&/g, '&amp;').replace(/"/g, '&quot;');

const { script, style } = await bundle('./main.ts');
const content = `<!doctype html><html><head><meta charset="utf-8"><style>${style}</style></head>
<body><main id="pane" aria-live="polite"></main><footer id="notes" role="note"></footer>
<script>${script}</script></body></html>`;

// The content is a frame in a frame: the policy of the outer page forbids it to go anywhere.
const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Pane</title>
<style>html,body,iframe{display:block;width:100%;height:100%;margin:0;border:0;background:transparent}</style></head>
<body><iframe sandbox="allow-scripts" title="Pane" srcdoc="${attribute(content)}"></iframe></body></html>
`;

await mkdir(OUT, { recursive: true });
await writeFile(OUT + 'viewer.html', page);
process.stdout.write(`viewer.html ${Math.round(page.length / 1024)} KiB\n`);
