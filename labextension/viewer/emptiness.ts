/** Elements that show something without a text. */
const VISIBLE =
  'img, svg, canvas, video, audio, iframe, object, embed, input, button, select, textarea, ' +
  'progress, meter, hr, .peer-widget';
/** Scripts may draw a while after they have run. */
const PAUSE_MS = 1500;

/** Says where the outputs of a pane leave nothing to see, and takes that back once there is something. */
export class Emptiness {
  constructor(
    private readonly _node: HTMLElement,
    private readonly _words: { nothing: string; invisible: string }
  ) {
    new MutationObserver(() => this._lookSoon()).observe(_node, { childList: true, subtree: true });
  }

  /** Set the number of outputs. */
  note(outputs: number): void {
    this._outputs = outputs;
    this._say(outputs === 0 ? this._words.nothing : '');
    this._lookSoon();
  }

  private _lookSoon(): void {
    if (this._node.dataset.empty) {
      this._look();
    } else if (!this._isWaiting) {
      this._isWaiting = true;
      setTimeout(() => {
        this._isWaiting = false;
        this._look();
      }, PAUSE_MS);
    }
  }

  private _look(): void {
    if (this._outputs > 0) {
      this._say(isSeen(this._node) ? '' : this._words.invisible);
    }
  }

  private _say(words: string): void {
    if (this._node.dataset.empty !== words) {
      this._node.dataset.empty = words;
    }
  }

  private _outputs = 0;
  private _isWaiting = false;
}

/** Whether there is anything to see in a node, trees of components included. */
function isSeen(node: HTMLElement): boolean {
  if (node.innerText?.trim() || node.querySelector(VISIBLE)) {
    return true;
  }
  return [...node.querySelectorAll('*')].some(
    each => (each.shadowRoot?.childElementCount ?? 0) > 0
  );
}
