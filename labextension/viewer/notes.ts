import { Words } from '../src/viewerprotocol';

const MAX_NOTES = 3;
const MAX_TEXT = 200;

/** Says below the outputs what in them did not work: what was not loaded, which script failed. */
export class Notes {
  constructor(
    private readonly _node: HTMLElement,
    private readonly _words: Words
  ) {
    document.addEventListener('securitypolicyviolation', event =>
      this.add(this._words.blocked, event.blockedURI)
    );
    window.addEventListener('error', event => this.add(this._words.failed, event.message));
    window.addEventListener('unhandledrejection', event =>
      this.add(this._words.failed, String(event.reason))
    );
  }

  clear(): void {
    this._said.clear();
    this._node.replaceChildren();
  }

  add(words: string, what: string): void {
    const text = words.replace('%1', what.slice(0, MAX_TEXT));
    if (this._said.size >= MAX_NOTES || this._said.has(text)) {
      return;
    }
    this._said.add(text);
    const line = document.createElement('p');
    line.className = 'note';
    line.textContent = text;
    this._node.append(line);
  }

  private readonly _said = new Set<string>();
}
