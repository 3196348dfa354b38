import { Words } from '../src/viewerprotocol';
import { decode } from './decode';
import { hasStandIn } from './standins';

const MAX_NOTES = 3;
/** Where the code of widgets pretends to be. */
const NOWHERE = 'modules.invalid';
const MAX_TEXT = 200;
/** A browser says so when it tells observers of a size in the next frame; no script failed. */
const PUT_OFF = 'ResizeObserver loop';

/** Says below the outputs what in them did not work: what was not loaded, which script failed. */
export class Notes {
  constructor(
    private readonly _node: HTMLElement,
    private readonly _words: Words,
    private readonly _onBlocked: (host: string) => void,
    private readonly _isExpected: (file: string) => boolean
  ) {
    document.addEventListener('securitypolicyviolation', ({ blockedURI, effectiveDirective }) => {
      // Frames in this one have no stand-ins, and nothing stands in for what is no script.
      if (!effectiveDirective.startsWith('script-src') || !hasStandIn(blockedURI)) {
        this.blocked(blockedURI);
      }
    });
    window.addEventListener('error', ({ message }) => {
      if (!isCaught && !message.startsWith(PUT_OFF)) {
        this.add(this._words.failed, message);
      }
    });
    window.addEventListener('unhandledrejection', event =>
      this.add(this._words.failed, String(event.reason))
    );
  }

  /** Say what was not loaded, and tell the page around from where. */
  blocked(uri: string): void {
    const address = URL.canParse(uri) ? new URL(uri) : null;
    const here = new URL('.', document.baseURI).href;
    if (uri.startsWith(here)) {
      const file = decode(uri.slice(here.length));
      if (!this._isExpected(file)) {
        this.add(this._words.local, file);
      }
      return;
    }
    if (address?.host.endsWith(NOWHERE) || address?.protocol === 'file:') {
      this.add(this._words.local, address.pathname);
      return;
    }
    this.add(this._words.blocked, uri);
    if (address?.protocol === 'https:') {
      this._onBlocked(address.host);
    }
  }

  clear(): void {
    this._said.clear();
    this._refusal = null;
    this._node.replaceChildren();
  }

  /** Say why the last thing that was done was not taken, or, with null, that this is over. */
  refused(why: string | null): void {
    this._refusal?.remove();
    this._refusal =
      why === null ? null : this._line(fill(this._words.refused, why.slice(0, MAX_TEXT)));
  }

  add(words: string, what: string): void {
    const text = fill(words, what.slice(0, MAX_TEXT));
    if (this._said.size >= MAX_NOTES || this._said.has(text)) {
      return;
    }
    this._said.add(text);
    this._line(text);
  }

  private _line(text: string): HTMLElement {
    return note(this._node, text);
  }

  private readonly _said = new Set<string>();
  private _refusal: HTMLElement | null = null;
}

/** Whether somebody else says what fails now. */
let isCaught = false;

/**
 * Return the errors of scripts that run meanwhile, of which no note tells.
 *
 * To stop their events does not do: Chromium hands those of a window to its listeners in their order.
 */
export function errorsOf(run: () => void): ErrorEvent[] {
  const errors: ErrorEvent[] = [];
  const hear = (event: ErrorEvent) => errors.push(event);
  window.addEventListener('error', hear);
  isCaught = true;
  try {
    run();
  } finally {
    isCaught = false;
    window.removeEventListener('error', hear);
  }
  return errors;
}

/** Add a line of ours to a node. */
export function note(node: HTMLElement, words: string): HTMLElement {
  const line = document.createElement('p');
  line.className = 'note';
  line.textContent = words;
  node.append(line);
  return line;
}

/** Put what a script or the owner said into words of ours, as it is. */
export function fill(words: string, ...what: string[]): string {
  return words.replace(/%(\d)/g, (mark, number: string) => what[Number(number) - 1] ?? mark);
}
