import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket, IControlEvent } from '../control';
import { IReach, ReachMode } from '../shapes';

/** The reach of this node, updated by the control socket. */
export class ReachModel {
  constructor(private readonly _control: ControlSocket) {
    _control.eventReceived.connect(this._onEvent, this);
    _control.stateChanged.connect(() => void this._load());
    void this._load();
  }

  /** Null until it is known. */
  get reach(): IReach | null {
    return this._reach;
  }

  get changed(): ISignal<this, IReach | null> {
    return this._changed;
  }

  /** Apply a choice at once; the server checks it and says what it found. */
  async choose(mode: ReachMode, relayUrl: string | null = null): Promise<IReach> {
    const params = { mode, relay_url: relayUrl };
    const reach = await this._control.request<IReach>('set_reach', params);
    this._learn(reach);
    return reach;
  }

  private _onEvent(_: ControlSocket, { event }: IControlEvent): void {
    if (event === 'reach') {
      void this._load();
    }
  }

  private async _load(): Promise<void> {
    if (this._control.state !== 'open') {
      return;
    }
    try {
      this._learn(await this._control.request<IReach>('reach'));
    } catch {
      // After an interruption it is read again.
    }
  }

  private _learn(reach: IReach): void {
    this._reach = reach;
    this._changed.emit(reach);
  }

  private readonly _changed = new Signal<this, IReach | null>(this);
  private _reach: IReach | null = null;
}
