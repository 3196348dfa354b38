import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket } from '../control';
import { withStep } from '../panel/dialog';
import { PeerError } from '../requests';
import { IFinding, IProgress } from '../shapes';

export interface ICheckState {
  readonly busy: boolean;
  readonly steps: IProgress[];
  readonly findings: IFinding[] | null;
  readonly error: PeerError | null;
}

/** One connection check: of this node, or with a node id of each path to that peer. */
export class ConnectionCheck {
  constructor(
    private readonly _control: ControlSocket,
    private readonly _peer: string | null
  ) {}

  get state(): ICheckState {
    return this._state;
  }

  get changed(): ISignal<this, ICheckState> {
    return this._changed;
  }

  /** Run the check, again if it has run before; one runs at a time. */
  async run(): Promise<void> {
    if (this._state.busy) {
      return;
    }
    this._update({ busy: true, steps: [], error: null });
    try {
      const { findings } = await this._control.request<{ findings: IFinding[] }>(
        'doctor',
        this._peer === null ? {} : { peer: this._peer },
        step => this._update({ steps: withStep(this._state.steps, step as IProgress) })
      );
      this._update({ busy: false, findings });
    } catch (reason) {
      this._update({ busy: false, error: PeerError.from(reason) });
    }
  }

  private _update(change: Partial<ICheckState>): void {
    this._state = { ...this._state, ...change };
    this._changed.emit(this._state);
  }

  private readonly _changed = new Signal<this, ICheckState>(this);
  private _state: ICheckState = { busy: false, steps: [], findings: null, error: null };
}
