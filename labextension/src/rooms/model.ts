import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket, IControlEvent } from '../control';
import { IAtLobby, IEnteredRoom, ILobby, IRoom, JoinPolicy } from '../shapes';

/** The public lists of the lobby: public rooms and listed nodes. */
export interface IAround {
  rooms: IRoom[];
  nodes: IAtLobby[];
}

/** The lobby and the rooms that this node is in, in step with the control socket. */
export class RoomsModel {
  constructor(private readonly _control: ControlSocket) {
    _control.eventReceived.connect(this._onEvent, this);
    _control.stateChanged.connect(this._onControlState, this);
    this._onControlState();
  }

  /** Null until it is known. */
  get lobby(): ILobby | null {
    return this._lobby;
  }

  get changed(): ISignal<this, ILobby | null> {
    return this._changed;
  }

  /** The public rooms, and the nodes that everybody may see. */
  async around(): Promise<IAround> {
    const [{ rooms }, { nodes }] = await Promise.all([
      this._control.request<{ rooms: IRoom[] }>('rooms'),
      this._control.request<{ nodes: IAtLobby[] }>('lobby_who')
    ]);
    return { rooms, nodes };
  }

  create(name: string, policy: JoinPolicy, listed: boolean): Promise<IEnteredRoom> {
    const visibility = listed ? 'public' : 'unlisted';
    return this._control.request('create_room', { name, join_policy: policy, visibility });
  }

  async join(name: string, token: string | null): Promise<void> {
    await this._control.request('join_room', { name, token });
  }

  async leave(name: string): Promise<void> {
    await this._control.request('leave_room', { name });
  }

  /** List this node for everybody at the lobby, or leave the lobby with all its rooms. */
  async setListed(listed: boolean): Promise<void> {
    await this._control.request(listed ? 'lobby_on' : 'lobby_off');
  }

  private _onControlState(): void {
    if (this._control.state === 'open') {
      void this._load();
    }
  }

  private async _load(): Promise<void> {
    try {
      this._learn(await this._control.request<ILobby>('lobby'));
    } catch {
      // The next event tells it.
    }
  }

  private _onEvent(_: ControlSocket, { event, data }: IControlEvent): void {
    if (event === 'lobby') {
      this._learn(data as ILobby);
    }
  }

  private _learn(lobby: ILobby): void {
    this._lobby = lobby;
    this._changed.emit(lobby);
  }

  private readonly _changed = new Signal<this, ILobby | null>(this);
  private _lobby: ILobby | null = null;
}
