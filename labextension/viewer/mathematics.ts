import { Parts } from './parts';

/** The global by which the code that typesets gives itself to the page. */
export const MATH_GLOBAL = 'jupyterPeerTypeset';

/** Typesets the formulas in a node. */
export type Typeset = (node: HTMLElement) => void;

/** The beginning of a formula, or an escaped `$`. */
const MAYBE = /\$|\\[([]|\\begin\{/;

/** Typesets formulas wherever they stand; what does that comes when there is one. */
export class Mathematics {
  constructor(private readonly _parts: Parts) {}

  /** Typeset a node, after all that was asked for before, since macros go on. */
  typeset(node: HTMLElement): Promise<void> {
    if (!MAYBE.test(node.textContent ?? '')) {
      return Promise.resolve();
    }
    this._last = this._last
      .then(() => this._parts.need('math'))
      .then(isThere => {
        if (isThere) {
          (window as unknown as Record<string, Typeset>)[MATH_GLOBAL](node);
        }
      })
      .catch(reason => console.warn('formulas could not be typeset', reason));
    return this._last;
  }

  private _last: Promise<void> = Promise.resolve();
}
