// The variables of JupyterLab's themes, for the page of guest links: it has no JupyterLab around it.

import { readFile } from 'node:fs/promises';
import { URL } from 'node:url';

const FOLDER = 'node_modules/@jupyterlab';
const COLOURS = `${FOLDER}/apputils/style/materialcolors.css`;
const THEMES = ['light', 'dark'].map(
  name => `${FOLDER}/theme-${name}-extension/style/variables.css`
);

/** The files that the themes are in. */
export const THEME_FILES = [COLOURS, ...THEMES];

/**
 * Return the variables of the light theme, and those that differ in the dark one.
 *
 * Colours of the palette are written out. A value that names a file is left out: the frame may load nothing.
 */
export async function themes() {
  const texts = await Promise.all(
    THEME_FILES.map(path => readFile(new URL(`../${path}`, import.meta.url), 'utf8'))
  );
  const [colours, light, dark] = texts.map(variables);
  const whole = found =>
    Object.fromEntries(
      Object.entries(found)
        .filter(([name, value]) => name.startsWith('--jp-') && !value.includes('url('))
        .map(([name, value]) => [
          name,
          value.replace(/var\((--md-[\w-]+)(?:,[^()]*)?\)/g, (_, colour) => colours[colour])
        ])
    );
  const [first, second] = [whole(light), whole(dark)];
  const differs = ([name, value]) => first[name] !== value;
  return { light: first, dark: Object.fromEntries(Object.entries(second).filter(differs)) };
}

function variables(css) {
  const [, root] = /:root\s*\{([^}]*)\}/.exec(css.replace(/\/\*[\s\S]*?\*\//g, ''));
  const found = root.matchAll(/(--[\w-]+)\s*:\s*([^;]+);/g);
  return Object.fromEntries(
    [...found].map(([, name, value]) => [name, value.replace(/\s+/g, ' ').trim()])
  );
}
