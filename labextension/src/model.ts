import { ServerConnection } from '@jupyterlab/services';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket, IControlEvent } from './control';
import { PeerError, requestAPI } from './requests';
import { IFoundNode, IIdentity, ILink, IPaneLists, IPeer, IPeerList, PeerStatus } from './shapes';

/** The facts about this node, its peers, panes and guest links; never changed in place. */
export interface IPeersState {
  /** `ready` once anything is known, and then for good: a lost connection keeps what is known. */
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
  readonly links: readonly ILink[];
  /** The panes that are open in tabs of this page, each as its peer and its name. */
  readonly open: readonly string[];
}

/** Whether a node is a peer of this one, and may be. */
export type Bond = 'peer' | 'blocked' | 'none';

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
  links: [],
  open: []
};

const RANK: Record<PeerStatus, number> = { connected: 0, connecting: 1, offline: 2, blocked: 3 };

/** The name shown for a peer: the alias, else the name it got when it was paired. */
export function displayName(peer: Pick<IPeer, 'alias' | 'node_name' | 'node_id'>): string {
  return peer.alias || peer.node_name || peer.node_id;
}

/**
 * The browser's view of this node: its identity, its peers, its panes and its guest links.
 *
 * The control socket is the only source: it sends the whole picture each time it opens, and then
 * every change. REST is asked for one thing only, why the socket does not open at all.
 */
export class PeersModel implements IDisposable {
  constructor(settings: ServerConnection.ISettings, control: ControlSocket) {
    this._settings = settings;
    this._control = control;
    control.eventReceived.connect(this._onEvent, this);
    control.stateChanged.connect(this._onControlState, this);
    this._onControlState();
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

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The peer with this node id, if it is known. */
  peer(nodeId: unknown): IPeer | undefined {
    return this._state.peers.find(peer => peer.node_id === nodeId);
  }

  /** The name of a peer here; its id where nothing else is known. */
  nameOf(nodeId: string): string {
    const peer = this.peer(nodeId);
    return peer ? displayName(peer) : nodeId;
  }

  /** Whether a node is a peer; one that was forgotten is none. */
  bondWith(nodeId: string): Bond {
    const peer = this.peer(nodeId);
    return peer?.blocked ? 'blocked' : peer ? 'peer' : 'none';
  }

  /** Note which panes are open in tabs of this page. */
  setOpen(open: readonly string[]): void {
    this._update({ open });
  }

  /** Read everything again, or connect again first; for a person who asks. */
  async refresh(): Promise<void> {
    if (this._state.phase === 'error') {
      this._update({ phase: 'loading', error: null });
    }
    if (this._control.state === 'open') {
      await this._load();
    } else {
      this._control.reconnect();
    }
  }

  async setName(name: string): Promise<void> {
    const identity = await this._control.request<IIdentity>('set_name', { name });
    this._learn({ identity });
  }

  async connect(nodeId: string): Promise<void> {
    await this._control.request('connect', { node_id: nodeId });
  }

  /** Connect to the node at an address, which this node has to know or a directory has to name. */
  async connectTo(address: string): Promise<void> {
    await this._control.request('connect', { address });
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

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._control.eventReceived.disconnect(this._onEvent, this);
      this._control.stateChanged.disconnect(this._onControlState, this);
      Signal.clearData(this);
    }
  }

  private _onControlState(): void {
    const live = this._control.state === 'open';
    const retryAt = this._control.retryAt;
    this._update({ live, retryAt });
    if (live) {
      void this._load();
    } else if (retryAt !== null && this._state.phase !== 'ready') {
      void this._explain();
    }
  }

  /** Ask for the whole picture: nothing tells what happened while the socket was closed. */
  private async _load(): Promise<void> {
    try {
      const [identity, list, panes, { links }] = await Promise.all([
        this._control.request<IIdentity>('identity'),
        this._control.request<IPeerList>('peers'),
        this._control.request<IPaneLists>('panes'),
        this._control.request<{ links: ILink[] }>('links')
      ]);
      this._learn({ identity, peers: list.peers, found: list.found ?? [], panes, links });
    } catch (reason) {
      const error = PeerError.from(reason);
      // After an interruption the socket opens again; a person has to know of anything else.
      if (error.code !== 'link_closed' && this._state.phase !== 'ready') {
        this._update({ phase: 'error', error });
      }
    }
  }

  /** Find out why the socket does not open: a browser does not tell a page the status code. */
  private async _explain(): Promise<void> {
    try {
      await requestAPI('identity', this._settings);
    } catch (reason) {
      if (this._state.phase !== 'ready') {
        this._update({ phase: 'error', error: PeerError.from(reason) });
      }
    }
  }

  private _onEvent(_: ControlSocket, { event, data }: IControlEvent): void {
    if (event === 'peers') {
      const { self, peers, found = [] } = data as IPeerList;
      const { identity } = this._state;
      this._learn({ peers, found, identity: identity && { ...identity, ...self } });
    } else if (event === 'panes') {
      const { mine, offered } = data as IPaneLists;
      this._learn({ panes: { mine, offered } });
    } else if (event === 'links') {
      this._learn({ links: (data as { links: ILink[] }).links });
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
  private _state = NOTHING;
  private _isDisposed = false;
}

function byStatusThenName(a: IPeer, b: IPeer): number {
  return (
    RANK[a.status] - RANK[b.status] ||
    displayName(a).localeCompare(displayName(b)) ||
    a.node_id.localeCompare(b.node_id)
  );
}
