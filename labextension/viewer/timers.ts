/** Loaders of libraries wait so long at most for one another. */
const LONGEST_MS = 500;
const LOOK_EVERY_MS = 10;

/** Follows the short timers that scripts set from now on: who waits a moment has not come to rest. */
export class ShortTimers {
  constructor() {
    const clear = window.clearTimeout;
    const follow = (handler: TimerHandler, ms = 0, ...given: unknown[]): number => {
      if (typeof handler !== 'function' || ms > LONGEST_MS) {
        return this._set.call(window, handler, ms, ...given);
      }
      const id = this._set.call(
        window,
        () => {
          this._pending.delete(id);
          handler(...given);
        },
        ms
      );
      this._pending.add(id);
      return id;
    };
    window.setTimeout = follow as typeof window.setTimeout;
    window.clearTimeout = id => {
      this._pending.delete(id as number);
      clear.call(window, id);
    };
    this._restore = () => Object.assign(window, { setTimeout: this._set, clearTimeout: clear });
  }

  /** Settles when none is pending, or at the deadline of the page's clock. */
  async rest(deadline: number): Promise<void> {
    while (this._pending.size > 0 && performance.now() < deadline) {
      await new Promise(resolve => this._set.call(window, resolve, LOOK_EVERY_MS));
    }
    this._restore();
  }

  private readonly _set = window.setTimeout as (...given: unknown[]) => number;
  private readonly _pending = new Set<number>();
  private readonly _restore: () => void;
}
