import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket, IControlEvent } from '../control';
import { IApproval } from '../shapes';

/** A person's decision about a call of a tool; `turn` allows the tool until the turn ends. */
export type Answer = 'no' | 'once' | 'turn';

/** The calls of tools that wait for this person, the oldest first. */
export class ApprovalsModel {
  constructor(private readonly _control: ControlSocket) {
    _control.eventReceived.connect(this._onEvent, this);
    _control.stateChanged.connect(this._onControlState);
    document.addEventListener('visibilitychange', this._onControlState);
    this._onControlState();
  }

  get approvals(): readonly IApproval[] {
    return this._approvals;
  }

  get changed(): ISignal<this, readonly IApproval[]> {
    return this._changed;
  }

  /** Emitted for each call that begins to wait; again for those that still wait after a lost connection. */
  get arrived(): ISignal<this, IApproval> {
    return this._arrived;
  }

  /** The call with this id, as long as it waits. */
  waiting(id: number): IApproval | undefined {
    return this._approvals.find(each => each.id === id);
  }

  /** Allow a call of a tool, or refuse it; one that waits no longer stays as it was decided. */
  async decide(id: number, answer: Answer): Promise<void> {
    if (!this.waiting(id)) {
      return;
    }
    this._set(this._approvals.filter(each => each.id !== id));
    const said = { allow: answer !== 'no', for_turn: answer === 'turn' };
    try {
      await this._control.request('approve', { id, ...said });
    } catch {
      // It was answered elsewhere, or its time is over.
    }
  }

  private readonly _onControlState = (): void => {
    if (this._control.state === 'open') {
      void this._load();
    } else {
      // The server asks every open page again; an answer given now would reach nobody.
      this._set([]);
    }
  };

  /** From here on the server knows whether somebody can be asked in this page. */
  private async _load(): Promise<void> {
    const watching = document.visibilityState === 'visible';
    try {
      const answer = await this._control.request<{ approvals: IApproval[] }>('approvals', {
        watching
      });
      this._set(answer.approvals);
    } catch {
      // An older server, or the next event tells it.
    }
  }

  private _onEvent(_: ControlSocket, { event, data }: IControlEvent): void {
    if (event === 'approval') {
      this._set((data as { approvals: IApproval[] }).approvals);
    }
  }

  private _set(approvals: readonly IApproval[]): void {
    const before = this._approvals;
    this._approvals = approvals;
    this._changed.emit(approvals);
    approvals
      .filter(({ id }) => !before.some(each => each.id === id))
      .forEach(each => this._arrived.emit(each));
  }

  private readonly _changed = new Signal<this, readonly IApproval[]>(this);
  private readonly _arrived = new Signal<this, IApproval>(this);
  private _approvals: readonly IApproval[] = [];
}
