import { IDisposable } from '@lumino/disposable';

const LOOK_EVERY_MS = 200;
/** A person who clicks through pages in another frame of the tab adds fewer. */
const MAX_ENTRIES = 8;
const WITHIN_MS = 10_000;

/**
 * Reports that frames fill the history of the tab.
 *
 * A script in a sandboxed frame can add entries (`location.hash`), which no attribute forbids, and *Back* then
 * leads nowhere for as many steps. Which frame it was is not to be seen: each pane counts for itself.
 */
export class HistoryGuard implements IDisposable {
  constructor(private readonly _onFill: () => void) {
    this._timer = window.setInterval(() => this._look(), LOOK_EVERY_MS);
  }

  get isDisposed(): boolean {
    return this._timer === 0;
  }

  dispose(): void {
    window.clearInterval(this._timer);
    this._timer = 0;
  }

  private _look(): void {
    const now = performance.now();
    const length = entriesOfFrames();
    const added = Math.max(0, length - this._length);
    this._length = length;
    this._added = this._added.filter(at => now - at < WITHIN_MS);
    this._added.push(...new Array<number>(added).fill(now));
    if (this._added.length >= MAX_ENTRIES) {
      this.dispose();
      this._onFill();
    }
  }

  private _timer: number;
  private _length = entriesOfFrames();
  /** When entries were added, within the last while. */
  private _added: number[] = [];
}

/** The entries of the tab that are not of this page itself. */
function entriesOfFrames(): number {
  const { navigation } = window as { navigation?: { entries(): unknown[] } };
  return history.length - (navigation?.entries().length ?? 0);
}
