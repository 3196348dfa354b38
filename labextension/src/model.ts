import { ServerConnection } from '@jupyterlab/services';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket, IControlEvent } from './control';
import { PeerError, requestAPI } from './requests';
import {
  IApproval,
  IAtLobby,
  IChatLine,
  IChats,
  IEnteredRoom,
  IFinding,
  IFoundNode,
  IIdentity,
  IInvite,
  ILobby,
  IMintedInvite,
  IPaneLists,
  IPeer,
  IPeerList,
  IProgress,
  IRoom,
  JoinPolicy,
  PeerStatus
} from './shapes';

/** Everything the panel shows; never changed in place, so that a new state is a new object. */
export interface IPeersState {
  /** `ready` once anything is known, and it stays so: what is known is kept when contact is lost. */
  readonly phase: 'loading' | 'ready' | 'error';
  readonly error: PeerError | null;
  /** Whether changes arrive as they happen. */
  readonly live: boolean;
  /** When the control socket tries again (`Date.now()` scale). */
  readonly retryAt: number | null;
  readonly identity: IIdentity | null;
  readonly peers: readonly IPeer[];
  readonly found: readonly IFoundNode[];
  readonly panes: IPaneLists;
  /** Null until it is known. */
  readonly lobby: ILobby | null;
  /** Lines of chat that wait to be read, by node id. */
  readonly unread: Readonly<Record<string, number>>;
  /** Calls of tools that wait for this person, the oldest first. */
  readonly approvals: readonly IApproval[];
}

/** A peer's status changed while the page was open. */
export interface IStatusChange {
  peer: IPeer;
  before: PeerStatus | null;
}

const NOTHING: IPeersState = {
  phase: 'loading',
  error: null,
  live: false,
  retryAt: null,
  identity: null,
  peers: [],
  found: [],
  panes: { mine: [], offered: [] },
  lobby: null,
  unread: {},
  approvals: []
};

const RANK: Record<PeerStatus, number> = { connected: 0, connecting: 1, offline: 2, blocked: 3 };

/** How a peer is called here: by the name I gave, else the name it gives itself. */
export function displayName(peer: Pick<IPeer, 'alias' | 'node_name' | 'node_id'>): string {
  return peer.alias || peer.node_name || peer.node_id;
}

/**
 * The browser's view of this node: who it is, its peers and its panes.
 *
 * REST gives the first picture; from then on the control socket tells every change, and after an
 * interruption the whole picture again.
 */
export class PeersModel implements IDisposable {
  constructor(settings: ServerConnection.ISettings, control = new ControlSocket(settings)) {
    this._settings = settings;
    this._control = control;
    control.eventReceived.connect(this._onEvent, this);
    control.stateChanged.connect(this._onControlState, this);
    void this.refresh();
    if (control.state === 'open') {
      this._onControlState();
    }
  }

  get state(): IPeersState {
    return this._state;
  }

  get stateChanged(): ISignal<this, IPeersState> {
    return this._stateChanged;
  }

  /** Emitted for each peer whose status changed, never for the first picture. */
  get statusChanged(): ISignal<this, IStatusChange> {
    return this._statusChanged;
  }

  /** Emitted when an invite was minted, redeemed or revoked, in this tab or elsewhere. */
  get invitesChanged(): ISignal<this, void> {
    return this._invitesChanged;
  }

  /** Emitted when lines of chat came, were sent or were read, in this tab or elsewhere. */
  get chatChanged(): ISignal<this, IChats> {
    return this._chatChanged;
  }

  /** Emitted for each line that a peer has just written. */
  get lineArrived(): ISignal<this, IChatLine> {
    return this._lineArrived;
  }

  get isDisposed(): boolean {
    return this._control.isDisposed;
  }

  /** Read everything by REST; for the first picture and for a person who asks. */
  async refresh(): Promise<void> {
    this._control.reconnect();
    const told = this._told;
    if (this._state.phase === 'error') {
      this._update({ phase: 'loading', error: null });
    }
    try {
      const [identity, list, panes] = await Promise.all([
        requestAPI<IIdentity>('identity', this._settings),
        requestAPI<IPeerList>('peers', this._settings),
        requestAPI<IPaneLists>('panes', this._settings)
      ]);
      // What the socket said in the meantime is newer than these answers.
      if (told === this._told) {
        this._learn({ identity, peers: list.peers, found: list.found ?? [], panes });
      }
    } catch (reason) {
      if (this._state.phase !== 'ready') {
        this._update({ phase: 'error', error: PeerError.from(reason) });
      }
    }
  }

  async setName(name: string): Promise<void> {
    const identity = await this._control.request<IIdentity>('set_name', { name });
    this._told += 1;
    this._learn({ identity });
  }

  mintInvite(ttl: string, note: string): Promise<IMintedInvite> {
    return this._control.request('invite', { ttl_s: seconds(ttl), note });
  }

  async invites(): Promise<IInvite[]> {
    return (await this._control.request<{ invites: IInvite[] }>('invites')).invites;
  }

  async revokeInvite(id: string): Promise<void> {
    await this._control.request('revoke_invite', { id });
  }

  /** Redeem an invite; resolves with who it is. */
  async pair(invite: string, onProgress: (progress: IProgress) => void): Promise<IPeer> {
    const answer = await this._control.request<{ peer: IPeer }>(
      'pair',
      { invite },
      onProgress as (progress: unknown) => void
    );
    return answer.peer;
  }

  async connect(nodeId: string): Promise<void> {
    await this._control.request('connect', { node_id: nodeId });
  }

  async disconnect(nodeId: string): Promise<void> {
    await this._control.request('disconnect', { peer: nodeId });
  }

  async block(nodeId: string): Promise<void> {
    await this._control.request('block', { peer: nodeId });
  }

  async unblock(nodeId: string): Promise<void> {
    await this._control.request('unblock', { peer: nodeId });
  }

  async forget(nodeId: string): Promise<void> {
    await this._control.request('forget', { peer: nodeId });
  }

  async setAlias(nodeId: string, alias: string | null): Promise<void> {
    await this._control.request('alias', { peer: nodeId, alias });
  }

  /** Send a line; it is at the peer when this resolves. */
  async say(nodeId: string, text: string): Promise<void> {
    await this._control.request('chat', { peer: nodeId, text });
  }

  /** The last lines with a peer; with `seen` they count as read. */
  async lines(nodeId: string, seen: boolean): Promise<IChatLine[]> {
    const params = { peer: nodeId, limit: 200, seen };
    const { lines, unread } = await this._control.request<IChats>('chats', params);
    this._update({ unread });
    return lines;
  }

  /** Allow one call of a tool, or refuse it. */
  async decide(id: number, allow: boolean): Promise<void> {
    this._update({ approvals: this._state.approvals.filter(each => each.id !== id) });
    await this._control.request('approve', { id, allow });
  }

  /** Examine this node, or with a node id each path to that peer. */
  async examine(
    nodeId: string | null,
    onProgress: (progress: IProgress) => void
  ): Promise<IFinding[]> {
    const answer = await this._control.request<{ findings: IFinding[] }>(
      'doctor',
      nodeId === null ? {} : { peer: nodeId },
      onProgress as (progress: unknown) => void
    );
    return answer.findings;
  }

  /** Who is listed at the lobby. */
  async listed(): Promise<IAtLobby[]> {
    return (await this._control.request<{ nodes: IAtLobby[] }>('lobby_who')).nodes;
  }

  /** The rooms this node is in, and the public ones. */
  async rooms(): Promise<IRoom[]> {
    return (await this._control.request<{ rooms: IRoom[] }>('rooms')).rooms;
  }

  createRoom(name: string, policy: JoinPolicy, listed: boolean): Promise<IEnteredRoom> {
    const visibility = listed ? 'public' : 'unlisted';
    return this._control.request('create_room', { name, join_policy: policy, visibility });
  }

  async joinRoom(name: string, token: string | null): Promise<void> {
    await this._control.request('join_room', { name, token });
  }

  async leaveRoom(name: string): Promise<void> {
    await this._control.request('leave_room', { name });
  }

  /** Be seen by everybody at the lobby, or leave it with all its rooms. */
  async setListed(listed: boolean): Promise<void> {
    await this._control.request(listed ? 'lobby_on' : 'lobby_off');
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._control.dispose();
      Signal.clearData(this);
    }
  }

  private _onControlState(): void {
    const live = this._control.state === 'open';
    this._update({ live, retryAt: this._control.retryAt });
    if (live) {
      void this._resync();
      void this._askLobby();
      void this._askChats();
      void this._askApprovals();
    } else {
      // The server asks again whoever is there; an answer given now would reach nobody.
      this._update({ approvals: [] });
    }
  }

  /** Nothing tells what happened while the socket was away: ask for the whole picture. */
  private async _resync(): Promise<void> {
    try {
      const [identity, list, panes] = await Promise.all([
        this._control.request<IIdentity>('identity'),
        this._control.request<IPeerList>('peers'),
        this._control.request<IPaneLists>('panes')
      ]);
      this._told += 1;
      this._learn({ identity, peers: list.peers, found: list.found ?? [], panes });
    } catch (reason) {
      const error = PeerError.from(reason);
      // An interruption is followed by another try; anything else a person must know.
      if (error.code !== 'link_closed' && this._state.phase !== 'ready') {
        this._update({ phase: 'error', error });
      }
    }
  }

  /** The lobby is beside the rest: a failure of it leaves the panel as it is. */
  private async _askLobby(): Promise<void> {
    try {
      this._update({ lobby: await this._control.request<ILobby>('lobby') });
    } catch {
      // The next event tells it.
    }
  }

  /** What is unread, and where the lines of this server have come to; as the lobby, beside the rest. */
  private async _askChats(): Promise<void> {
    try {
      const { lines, unread } = await this._control.request<IChats>('chats', { limit: 1 });
      this._newestLine = lines[lines.length - 1]?.number ?? 0;
      this._update({ unread });
    } catch {
      // The next event tells it.
    }
  }

  /** From here on the server knows that somebody can be asked in this page. */
  private async _askApprovals(): Promise<void> {
    try {
      const { approvals } = await this._control.request<{ approvals: IApproval[] }>('approvals');
      this._update({ approvals });
    } catch {
      // An older server, or the next event tells it.
    }
  }

  private _onChat(chats: IChats): void {
    const known = this._newestLine;
    this._newestLine = Math.max(known ?? 0, ...chats.lines.map(line => line.number));
    this._update({ unread: chats.unread });
    this._chatChanged.emit(chats);
    if (known !== null) {
      for (const line of chats.lines) {
        if (!line.mine && line.number > known) {
          this._lineArrived.emit(line);
        }
      }
    }
  }

  private _onEvent(_: ControlSocket, { event, data }: IControlEvent): void {
    if (event === 'peers') {
      this._told += 1;
      const { self, peers, found = [] } = data as IPeerList;
      const { identity } = this._state;
      this._learn({ peers, found, identity: identity && { ...identity, ...self } });
    } else if (event === 'approval') {
      this._update({ approvals: (data as { approvals: IApproval[] }).approvals });
    } else if (event === 'panes') {
      this._told += 1;
      const { mine, offered } = data as IPaneLists;
      this._learn({ panes: { mine, offered } });
    } else if (event === 'lobby') {
      this._update({ lobby: data as ILobby });
    } else if (event === 'chat') {
      this._onChat(data as IChats);
    } else if (event === 'invites') {
      this._invitesChanged.emit();
    }
  }

  private _learn(news: Partial<IPeersState>): void {
    const first = this._state.phase !== 'ready';
    const before = new Map(this._state.peers.map(peer => [peer.node_id, peer.status]));
    if (news.peers) {
      news = { ...news, peers: [...news.peers].sort(byStatusThenName) };
    }
    // Events may come before the identity does; the panel has nothing to show until then.
    const ready = Boolean(news.identity ?? this._state.identity);
    this._update({ ...news, ...(ready && { phase: 'ready', error: null }) });
    if (!first && news.peers) {
      for (const peer of news.peers) {
        const was = before.get(peer.node_id) ?? null;
        if (was !== peer.status) {
          this._statusChanged.emit({ peer, before: was });
        }
      }
    }
  }

  private _update(change: Partial<IPeersState>): void {
    this._state = { ...this._state, ...change };
    this._stateChanged.emit(this._state);
  }

  private readonly _settings: ServerConnection.ISettings;
  private readonly _control: ControlSocket;
  private readonly _stateChanged = new Signal<this, IPeersState>(this);
  private readonly _statusChanged = new Signal<this, IStatusChange>(this);
  private readonly _invitesChanged = new Signal<this, void>(this);
  private readonly _chatChanged = new Signal<this, IChats>(this);
  private readonly _lineArrived = new Signal<this, IChatLine>(this);
  private _state = NOTHING;
  /** Number of the last line heard of; null until the server has told. */
  private _newestLine: number | null = null;
  /** Counts what the control socket told; an answer by REST older than that is not used. */
  private _told = 0;
}

function byStatusThenName(a: IPeer, b: IPeer): number {
  return (
    RANK[a.status] - RANK[b.status] ||
    displayName(a).localeCompare(displayName(b)) ||
    a.node_id.localeCompare(b.node_id)
  );
}

/** Seconds of a lifetime such as `10m`, `24h` or `7d`, the form that the settings have. */
export function seconds(lifetime: string): number {
  const match = /^(\d+)([smhd])$/.exec(lifetime);
  if (!match) {
    throw new PeerError({ code: 'bad_request', message: `${lifetime} is not a time` });
  }
  return Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as 's' | 'm' | 'h' | 'd'];
}
