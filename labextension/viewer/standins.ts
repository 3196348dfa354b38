import { Part } from '../src/viewerprotocol';
import { Parts } from './parts';

/** What a library gives to the page, by the name of the global. */
export type Library = Record<string, unknown>;

/** The global by which the code of a part gives the libraries in it to the page. */
export const libraryGlobal = (part: Part): string => `jupyterPeerLibrary_${part}`;

/** Files of libraries on public sites, and beside a notebook: the part with the library, and its global. */
const FILES: [RegExp, Part, string][] = [
  [file('vega'), 'vega', 'vega'],
  [file('vega-lite'), 'vega', 'vegaLite'],
  [file('vega-embed'), 'vega', 'vegaEmbed'],
  [file('plotly(?:\\.js|-basic|-cartesian|-strict)?(?:-dist)?(?:-min)?'), 'plotly', 'Plotly']
];

/** A package of any version (`/npm/vega@6`), or its file (`/plotly-3.1.0.min`, `/plotly.min.js`). */
function file(name: string): RegExp {
  const ofPackage = '@[^/]*(?:/.*)?';
  const ofFile = '(?:-(?:latest|[\\d.]*\\d))?(?:\\.min)?(?:\\.js)?';
  return new RegExp(`/${name}(?:${ofPackage}|${ofFile})$`);
}

/** A module that only loads a file. */
const IMPORT = /^\s*import\s*["']([^"']+)["'];?\s*$/;

/**
 * Stand in for libraries that an output loads from the network and that a pane has itself.
 *
 * So charts of altair and figures of plotly are drawn without the network. The browser does not load such a
 * script, and says so first to this; the page hears that it was loaded, as soon as the part is there.
 */
export function bringLibraries(parts: Parts): void {
  window.addEventListener(
    'error',
    event => {
      const script = event.target;
      // What is not trusted is what `load` says itself.
      const found =
        event.isTrusted && script instanceof HTMLScriptElement ? find(addressOf(script)) : null;
      if (found) {
        event.stopImmediatePropagation();
        void load(parts, script as HTMLScriptElement, found);
      }
    },
    true
  );
}

async function load(parts: Parts, script: HTMLScriptElement, found: [Part, string]): Promise<void> {
  const [part, name] = found;
  const isThere = await parts.need(part);
  if (isThere) {
    const scope = window as unknown as Record<string, Library> & { define?: Define };
    const library = scope[libraryGlobal(part)];
    Object.assign(scope, library);
    if (scope.define?.amd) {
      scope.define([], () => library[name]);
    }
  }
  script.dispatchEvent(new Event(isThere ? 'load' : 'error'));
}

type Define = ((needs: string[], make: () => unknown) => void) & { amd?: unknown };

/** Whether a pane itself has what an address names. */
export function hasStandIn(address: string): boolean {
  return find(address) !== null;
}

/** Settles when a script that is in the document has run, or will never: only one with a stand-in is awaited. */
export function whenRun(script: HTMLScriptElement): Promise<unknown> | null {
  return hasStandIn(addressOf(script))
    ? new Promise(resolve => {
        for (const end of ['load', 'error']) {
          script.addEventListener(end, resolve, { once: true });
        }
      })
    : null;
}

function addressOf(script: HTMLScriptElement): string {
  return script.src || (script.type === 'module' && IMPORT.exec(script.text)?.[1]) || '';
}

function find(address: string): [Part, string] | null {
  const path = URL.canParse(address) ? new URL(address).pathname : '';
  const found = FILES.find(([pattern]) => pattern.test(path));
  return found ? [found[1], found[2]] : null;
}
