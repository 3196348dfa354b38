import { IDisposable } from '@lumino/disposable';

/** A key pressed out here less than this ago means that somebody is typing out here. */
const TYPING_MS = 1500;
const MAX_THEFTS = 5;
/** A click soon after a key looks like a theft too: those are forgotten when they stay few. */
const FORGET_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 100;

/**
 * Gives the focus back when a frame takes it from a person who types elsewhere.
 *
 * A sandbox does not keep a script from calling `focus()`, and what is typed after that would go
 * into the frame. A person who means it clicks into the frame or tabs to it.
 */
export class FocusGuard implements IDisposable {
  /**
   * @param onThief - Called when the frame has taken the focus so often that it means to.
   */
  constructor(
    private readonly _frame: HTMLIFrameElement,
    private readonly _onThief: () => void
  ) {
    document.addEventListener('keydown', this._onKey, true);
    document.addEventListener('focusin', this._onFocus, true);
    window.addEventListener('blur', this._look);
    // A browser need not say that the focus has gone into a frame.
    this._timer = window.setInterval(this._look, LOOK_EVERY_MS);
    _frame.addEventListener('pointerenter', this._onEnter);
    _frame.addEventListener('pointerleave', this._onLeave);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    document.removeEventListener('keydown', this._onKey, true);
    document.removeEventListener('focusin', this._onFocus, true);
    window.removeEventListener('blur', this._look);
    window.clearInterval(this._timer);
    this._frame.removeEventListener('pointerenter', this._onEnter);
    this._frame.removeEventListener('pointerleave', this._onLeave);
  }

  private _onKey = (event: KeyboardEvent): void => {
    this._typedAt = event.key === 'Tab' ? -Infinity : performance.now();
    this._tabbed = event.key === 'Tab';
  };

  private _onFocus = (event: FocusEvent): void => {
    if (event.target instanceof HTMLElement && event.target !== this._frame) {
      this._last = event.target;
      // The frame may be quick to take it back, before anybody has looked: it was meant until now only.
      this._isMeant = false;
    }
  };

  private _onEnter = (): void => {
    this._isOver = true;
  };

  private _onLeave = (): void => {
    this._isOver = false;
  };

  private _look = (): void => {
    if (document.activeElement !== this._frame) {
      this._isMeant = false;
      return;
    }
    if (this._isMeant) {
      return;
    }
    const now = performance.now();
    const isTyping = now - this._typedAt < TYPING_MS;
    this._isMeant = (this._isOver && !isTyping) || this._tabbed;
    this._tabbed = false;
    if (this._isMeant) {
      return;
    }
    this._thefts = now - this._stolenAt < FORGET_AFTER_MS ? this._thefts + 1 : 1;
    this._stolenAt = now;
    this._last?.focus({ preventScroll: true });
    // What had it may be gone, or be the page itself, which takes no focus: one theft would count again
    // with each look.
    if (document.activeElement === this._frame) {
      this._frame.blur();
    }
    if (this._thefts >= MAX_THEFTS) {
      this._onThief();
    }
  };

  private _timer = 0;
  private _isMeant = false;
  private _typedAt = -Infinity;
  private _tabbed = false;
  private _isOver = false;
  private _last: HTMLElement | null =
    document.activeElement instanceof HTMLElement ? document.activeElement : null;
  private _thefts = 0;
  private _stolenAt = -Infinity;
  private _isDisposed = false;
}
