import { IDisposable } from '@lumino/disposable';
import { FrameWitness } from './framewitness';

/** A key in this page less than this ago means that somebody is typing in this page. */
const TYPING_MS = 1500;
/** In a field for text a person pauses longer. */
const EDITING_MS = 5000;
const EDITABLE = 'input, textarea, select, [contenteditable=""], [contenteditable="true"]';
/** Thefts while nobody types: a plot may call `focus()` as it is drawn. */
const MAX_THEFTS = 5;
const FORGET_AFTER_MS = 30_000;
/** A browser need not report that the focus goes into a frame, and does not from frame to frame. */
const LOOK_EVERY_MS = 100;
const LOOK_OFTEN_MS = 10;
const TAB_MS = 1000;
/** The focus stays in the frame for so long while it is not known how it came, and nobody types. */
const PATIENCE_MS = 100;
/** A frame that computes answers late; the focus was given back long before. */
const ANSWER_MS = 2000;
/** A press is reported with the next picture; less than the pause of a script that tries at 20 Hz. */
const PRESS_REPORT_MS = 40;
/** Without typing there is no hurry: a slow machine draws its next picture later. */
const SLOW_PRESS_REPORT_MS = 250;

/**
 * Gives the focus back when a frame takes it without a click, and reports the frame as a thief.
 *
 * A sandbox does not keep a script from calling `focus()`, and keys typed after that would go into
 * the frame. A person who means it presses a pointer in the frame or comes by Tab. Where somebody is
 * typing, the focus goes back before anything is asked, and the first theft is one too many. A key
 * that has arrived in the frame activates it, so it shows in the report: no second one follows.
 */
export class FocusGuard implements IDisposable {
  /**
   * @param _onThief - Called when the frame has taken the focus and has to be stopped.
   */
  constructor(
    private readonly _frame: HTMLIFrameElement,
    private readonly _witness: FrameWitness,
    private readonly _onThief: () => void
  ) {
    document.addEventListener('keydown', this._onKey, true);
    document.addEventListener('focusin', this._onFocus, true);
    window.addEventListener('blur', this._look);
    this._wait();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    document.removeEventListener('keydown', this._onKey, true);
    document.removeEventListener('focusin', this._onFocus, true);
    window.removeEventListener('blur', this._look);
    window.clearTimeout(this._timer);
  }

  /**
   * Whether a person uses the frame: a press or a key in it, and the focus not taken.
   *
   * @param now - Within the last seconds, not only since the frame was loaded.
   */
  async isUsed(now: boolean): Promise<boolean> {
    const report = await this._witness.ask(ANSWER_MS);
    // This page may hear of the focus later than of the input whose click brought it.
    this._look();
    while (this._judging) {
      await this._judging;
    }
    const isUsed = now ? report?.isActive : report?.hasBeenActive;
    return !this._isDisposed && !this._isSuspect && (isUsed ?? false);
  }

  /** Give the focus back to where it was; in a task of its own, or the keys still go to the frame. */
  giveBack(): void {
    window.setTimeout(() => {
      const holder = document.activeElement;
      if (this._isMeant || (holder !== this._frame && holder !== document.body)) {
        return;
      }
      FocusGuard._last?.focus();
      // What had it may be gone, or be the page itself, which takes no focus.
      if (document.activeElement === this._frame) {
        this._frame.blur();
      }
      this._isGivenBack = true;
    });
  }

  private _onKey = (event: KeyboardEvent): void => {
    this._tab = event.key === 'Tab' ? event : null;
    this._keyAt = performance.now();
    if (event.key !== 'Tab') {
      this._typedAt = this._keyAt;
    }
  };

  private _onFocus = (event: FocusEvent): void => {
    const target = event.target;
    if (target instanceof HTMLElement && target !== this._frame) {
      FocusGuard._last = { focus: () => target.focus({ preventScroll: true }) };
      this._isEditing = target.matches(EDITABLE);
      // Tab has come to an element of this page.
      this._tab = null;
      // The frame may take it back at once, before anybody has looked.
      this._isMeant = false;
    }
  };

  private _wait(): void {
    const isElsewhere = document.activeElement instanceof HTMLIFrameElement && !this._isMeant;
    this._timer = window.setTimeout(this._look, isElsewhere ? LOOK_OFTEN_MS : LOOK_EVERY_MS);
  }

  private _look = (): void => {
    window.clearTimeout(this._timer);
    if (document.activeElement !== this._frame) {
      this._isMeant = false;
      this._wasInFrame = document.activeElement instanceof HTMLIFrameElement;
    } else if (!this._isMeant) {
      this._onTaken();
    }
    if (!this._isDisposed) {
      this._wait();
    }
  };

  private _onTaken(): void {
    if (this._cameByTab() || this._witness.isPressed) {
      this._mean();
    } else if (this._judging && this._isGivenBack) {
      // It took the focus again while it was asked about the first time.
      this._stop();
    } else if (!this._judging) {
      this._judging = this._judge().finally(() => {
        this._judging = null;
      });
    }
  }

  private _cameByTab(): boolean {
    const isTab = this._tab !== null && !this._tab.defaultPrevented;
    this._tab = null;
    return isTab && performance.now() - this._keyAt < TAB_MS;
  }

  private _mean(): void {
    this._isMeant = true;
    this._isSuspect = false;
    FocusGuard._last = this._witness;
  }

  private async _judge(): Promise<void> {
    const isTyping = this._isTyping();
    this._isSuspect = true;
    let patience = 0;
    this._isGivenBack = false;
    if (isTyping) {
      this.giveBack();
    } else {
      patience = window.setTimeout(() => this.giveBack(), PATIENCE_MS);
    }
    const report = await this._witness.ask(ANSWER_MS);
    // A press that is over again is reported with the next picture.
    const isPressed =
      this._witness.isPressed ||
      (report?.isActive === true &&
        (await this._witness.press(isTyping ? PRESS_REPORT_MS : SLOW_PRESS_REPORT_MS)));
    window.clearTimeout(patience);
    if (this._isDisposed) {
      return;
    }
    if (isPressed) {
      this._mean();
      if (this._isGivenBack) {
        this._witness.focus();
      }
      return;
    }
    const now = performance.now();
    this._thefts = now - this._stolenAt < FORGET_AFTER_MS ? this._thefts + 1 : 1;
    this._stolenAt = now;
    // A frame that is active without a press has received a key.
    if (isTyping || this._isTyping() || !report || report.isActive || this._thefts >= MAX_THEFTS) {
      this._stop();
    } else {
      this.giveBack();
    }
  }

  private _stop(): void {
    this.dispose();
    this._onThief();
  }

  private _isTyping(): boolean {
    const limit = this._isEditing ? EDITING_MS : TYPING_MS;
    return this._wasInFrame || performance.now() - this._typedAt < limit;
  }

  /** The element with the focus, in this page or in another pane; all guards share it. */
  private static _last: { focus(): void } | null =
    document.activeElement instanceof HTMLElement ? document.activeElement : null;

  private _timer = 0;
  private _isMeant = false;
  /** The focus was taken, and no press or Tab came since. */
  private _isSuspect = false;
  private _isGivenBack = false;
  private _judging: Promise<void> | null = null;
  private _tab: KeyboardEvent | null = null;
  private _keyAt = -Infinity;
  private _typedAt = -Infinity;
  private _isEditing = document.activeElement?.matches(EDITABLE) ?? false;
  /** Another frame had the focus: this page does not see whether somebody types there. */
  private _wasInFrame = false;
  private _thefts = 0;
  private _stolenAt = -Infinity;
  private _isDisposed = false;
}
