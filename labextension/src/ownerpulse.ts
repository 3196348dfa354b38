import { IDisposable } from '@lumino/disposable';
import { ControlSocket } from './control';

const EVERY_MS = 3000;
/** An owner that has not answered for so long is frozen, or its network is. */
export const SILENT_AFTER_MS = 3000;

/**
 * Asks the owner of a pane every few seconds whether it is still there.
 *
 * A link is given up after half a minute; a person who looks at a pane wants to know sooner.
 */
export class OwnerPulse implements IDisposable {
  /**
   * @param _isWanted - Whether somebody looks at the pane and its owner is thought to be connected.
   * @param _onChange - Called when `isSilent` has changed.
   */
  constructor(
    private readonly _control: ControlSocket,
    private readonly _peer: string,
    private readonly _isWanted: () => boolean,
    private readonly _onChange: () => void
  ) {
    this._timer = window.setInterval(() => this._ask(), EVERY_MS);
  }

  /** Whether the owner has not answered for a while. */
  get isSilent(): boolean {
    return this._isSilent;
  }

  get isDisposed(): boolean {
    return this._timer === 0;
  }

  dispose(): void {
    window.clearInterval(this._timer);
    window.clearTimeout(this._late);
    this._timer = 0;
  }

  private _ask(): void {
    if (!this._isWanted()) {
      this._setSilent(false);
      return;
    }
    if (this._late !== 0) {
      return;
    }
    this._late = window.setTimeout(() => this._setSilent(true), SILENT_AFTER_MS);
    const answered = () => {
      window.clearTimeout(this._late);
      this._late = 0;
    };
    this._control.request('ping', { peer: this._peer }).then(
      () => {
        answered();
        this._setSilent(false);
      },
      // A link that is closed is told of by the pane; a time that has run out stays silence.
      answered
    );
  }

  private _setSilent(isSilent: boolean): void {
    if (isSilent !== this._isSilent && !this.isDisposed) {
      this._isSilent = isSilent;
      this._onChange();
    }
  }

  private _timer: number;
  private _late = 0;
  private _isSilent = false;
}
