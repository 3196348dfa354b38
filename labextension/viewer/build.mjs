// Builds the page in which panes are drawn: one file with everything in it, since a page of opaque
// origin sends no cookies for anything it would load. And the page of guest links, which holds the
// same content once more.

import process from 'node:process';
import { URL, fileURLToPath } from 'node:url';

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';

import { THEME_FILES, themes } from './themes.mjs';

const here = path => fileURLToPath(new URL(path, import.meta.url));
const OUT = here('../../jupyter_peer/static/');

/**
 * What is changed in anywidget.
 *
 * It comes as an AMD module, which asks for `define`; only the factory in it is of use here. A model
 * that has not begun after 2 s drops all messages from then on and reports a failure, also when its
 * owner has closed it meanwhile. Here messages wait longer, and then reach the model as it is.
 */
const ANYWIDGET = [
  [/define\(\["@jupyter-widgets\/base"\], (\w+)\);\s*$/, 'export default $1;'],
  [
    /AbortSignal\.timeout\(2e3\)(.*\s*)resolvers\.reject\(new Error\("[^"]*"\)\);/,
    'AbortSignal.timeout(3e4)$1resolvers.resolve();'
  ]
];

const anywidget = {
  name: 'anywidget',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]anywidget[\\/]dist[\\/]index\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, 'utf8');
      for (const [before, after] of ANYWIDGET) {
        if (!before.test(contents)) {
          throw new Error('anywidget is not built as it was: see viewer/build.mjs');
        }
        contents = contents.replace(before, after);
      }
      return { contents };
    });
  }
};

/** Paths of all that was bundled. */
const bundled = new Set();

/** Return what the bundled packages say of their licences, as the bundler of JupyterLab writes it. */
async function licences() {
  const folders = new Set();
  for (const path of bundled) {
    const [folder] = /^node_modules(?:.*node_modules)?\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [];
    folders.add(folder);
  }
  folders.delete(undefined);
  const packages = [];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(
      await readFile(here(`../${folder}/package.json`), 'utf8')
    );
    const files = (await readdir(here(`../${folder}`))).filter(each =>
      /^(licen[cs]e|copying|notice)(?!.*\.[cm]?js$)/i.test(each)
    );
    const texts = files.map(file => readFile(here(`../${folder}/${file}`), 'utf8'));
    const text = (await Promise.all(texts)).join('\n');
    packages.push({ name, versionInfo: version, licenseId: license, extractedText: text });
  }
  return JSON.stringify({ packages }, null, 1);
}

/** Bundle one entry in memory; returns its script and its style sheet. */
async function bundle(entry, define = {}) {
  const { outputFiles, metafile } = await build({
    entryPoints: [here(entry)],
    absWorkingDir: here('..'),
    outdir: OUT,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'iife',
    target: 'es2020',
    charset: 'utf8',
    legalComments: 'inline',
    // Every browser with sandboxed frames reads WOFF2.
    loader: {
      '.woff2': 'dataurl',
      '.woff': 'empty',
      '.ttf': 'empty',
      '.eot': 'empty',
      '.svg': 'empty'
    },
    plugins: [anywidget],
    define: {
      'process.env.NODE_ENV': '"production"',
      global: 'globalThis',
      // MathJax would read the first from its package.json, and look for it in the second.
      PACKAGE_VERSION: '"3"',
      __dirname: '"/"',
      ...define
    },
    logLevel: 'warning'
  });
  Object.keys(metafile.inputs).forEach(path => bundled.add(path));
  const text = ending => outputFiles.find(file => file.path.endsWith(ending))?.text ?? '';
  return { script: text('.js'), style: text('.css') };
}

const attribute = html => html.replace(/&/g, '&amp;').replace(/"/g, '&quot;');

const { script, style } = await bundle('./main.ts');
const witness = await bundle('./outer.ts');
const content = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Pane</title><style>${style}</style></head>
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

// Code for what not every pane has, which the page around hands in: see PARTS in viewerprotocol.ts.
const files = { 'viewer.html': page };
for (const part of ['widgets', 'math', 'plotly', 'vega', 'mermaid', 'pdf', 'code', 'icons']) {
  const code = await bundle(part === 'widgets' ? './widgets/entry.ts' : `./parts/${part}.ts`);
  const css = JSON.stringify(code.style);
  const styling = `document.head.append(Object.assign(document.createElement("style"),{textContent:${css}}));\n`;
  files[`${part}.js`] = (code.style ? styling : '') + code.script;
}

// The page of guest links takes only the code for parts that it was built with.
const parts = Object.entries(files).filter(([name]) => name.endsWith('.js'));
const digests = parts.map(([name, code]) => [
  name.slice(0, -'.js'.length),
  createHash('sha256').update(code).digest('hex')
]);
const guest = await bundle('../guest/main.ts', {
  FRAME_CONTENT: JSON.stringify(content),
  LAB_THEMES: JSON.stringify(await themes()),
  PART_DIGESTS: JSON.stringify(Object.fromEntries(digests))
});
const body = await readFile(here('../guest/page.html'), 'utf8');
files['guest.html'] = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow"><meta name="referrer" content="no-referrer">
<title>Shared pane</title><style>${guest.style}</style></head>
<body>${body}<script>${guest.script}</script></body></html>
`;

THEME_FILES.forEach(path => bundled.add(path));
files['third-party-licenses.json'] = await licences();
await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
for (const [name, text] of Object.entries(files)) {
  const compressed = gzipSync(text, { level: 9 });
  // Scripts exist compressed alone, as the server sends them: sockets/static_files.py.
  await (name.endsWith('.js')
    ? writeFile(`${OUT}${name}.gz`, compressed)
    : writeFile(OUT + name, text));
  const [whole, sent] = [text.length, compressed.length].map(size => Math.round(size / 1024));
  process.stdout.write(`${name} ${whole} KiB, compressed ${sent} KiB\n`);
}
