import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket, IControlEvent } from '../control';
import { IApproval } from '../shapes';

/** The calls of tools that wait for this person, the oldest first. */
export class ApprovalsModel {
  constructor(private readonly _control: ControlSocket) {
    _control.eventReceived.connect(this._onEvent, this);
    _control.stateChanged.connect(this._onControlState, this);
    this._onControlState();
  }

  get approvals(): readonly IApproval[] {
    return this._approvals;
  }

  get changed(): ISignal<this, readonly IApproval[]> {
    return this._changed;
  }

  /** Allow one call of a tool, or refuse it. */
  async decide(id: number, allow: boolean): Promise<void> {
    this._set(this._approvals.filter(each => each.id !== id));
    await this._control.request('approve', { id, allow });
  }

  private _onControlState(): void {
    if (this._control.state === 'open') {
      void this._load();
    } else {
      // The server asks every open page again; an answer given now would reach nobody.
      this._set([]);
    }
  }

  /** From here on the server knows that somebody can be asked in this page. */
  private async _load(): Promise<void> {
    try {
      const answer = await this._control.request<{ approvals: IApproval[] }>('approvals');
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
    this._approvals = approvals;
    this._changed.emit(approvals);
  }

  private readonly _changed = new Signal<this, readonly IApproval[]>(this);
  private _approvals: readonly IApproval[] = [];
}
