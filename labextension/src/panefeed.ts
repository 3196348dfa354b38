import { IOutput } from '@jupyterlab/nbformat';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket, IControlEvent } from './control';
import { OWN } from './ownfailures';
import { PeerError } from './requests';
import { IPaneInfo, IPaneLists, IPaneStep } from './shapes';
import { IInput } from './viewerprotocol';

/** Where one watch stands; never changed in place. */
export interface IFeedState {
  /** `idle` until it is started, `failed` while the owner or the server refuses. */
  readonly phase: 'idle' | 'opening' | 'open' | 'failed';
  readonly info: IPaneInfo | null;
  readonly error: PeerError | null;
  /** When the own server was lost (epoch seconds), null while it is there. */
  readonly lostAt: number | null;
  /** When the newest revision came (epoch seconds). */
  readonly changedAt: number | null;
  readonly rev: number;
}

const IDLE: IFeedState = {
  phase: 'idle',
  info: null,
  error: null,
  lostAt: null,
  changedAt: null,
  rev: 0
};

interface IOpened {
  watch: number;
  info: IPaneInfo;
  state: IPaneStep;
}

/**
 * One watched pane of a peer.
 *
 * The server sends at most two steps that were not acknowledged and puts together what happens
 * meanwhile, so whoever shows the steps sets the pace. After an interruption, or when a step is
 * missing, the pane is opened again and begins with its whole state.
 */
export class PaneFeed implements IDisposable {
  constructor(
    private readonly _control: ControlSocket,
    readonly peer: string,
    readonly name: string
  ) {
    _control.eventReceived.connect(this._onEvent, this);
    _control.stateChanged.connect(this._onControlState, this);
  }

  get state(): IFeedState {
    return this._state;
  }

  /** Whether the pane follows its owner's now, as far as this page knows. */
  get isLive(): boolean {
    const { info, lostAt, phase } = this._state;
    return phase === 'open' && lostAt === null && info?.status === 'live';
  }

  get stateChanged(): ISignal<this, IFeedState> {
    return this._stateChanged;
  }

  get stepReceived(): ISignal<this, IPaneStep> {
    return this._stepReceived;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Open the pane, also when it is open: its whole state comes anew.
   *
   * @param ifWatched - Only when a kernel of this server is watching it already. Then it stays
   *   `idle` where none is, and nobody hears of it.
   */
  async start(ifWatched = false): Promise<void> {
    if (this._isDisposed) {
      return;
    }
    this._close();
    const attempt = ++this._attempt;
    this._update({ phase: 'opening', error: null });
    try {
      const params = { peer: this.peer, name: this.name };
      const opened = await this._control.request<IOpened>(
        'open',
        ifWatched ? { ...params, if_watched: true } : params
      );
      if (attempt !== this._attempt) {
        this._control.tell('close', { watch: opened.watch });
        return;
      }
      this._watch = opened.watch;
      this._update({ phase: 'open', info: this._named(opened.info), lostAt: null });
      this._take(opened.state);
    } catch (reason) {
      if (attempt === this._attempt) {
        this._onRefused(PeerError.from(reason), ifWatched);
      }
    }
  }

  /** Say that everything up to a revision is shown. */
  acknowledge(rev: number): void {
    if (this._watch !== null) {
      this._control.tell('ack', { watch: this._watch, rev });
    }
  }

  /**
   * Do something with a widget of the pane.
   *
   * @throws PeerError, why the owner refuses it.
   */
  async input(id: string, message: IInput): Promise<void> {
    if (this._watch === null) {
      throw new PeerError(OWN.paneNotOpen);
    }
    await this._control.request('input', { watch: this._watch, message, id });
  }

  /**
   * The outputs as they are now, for a person who saves or copies them.
   *
   * @throws PeerError, where the pane cannot be opened any more.
   */
  async read(): Promise<IOutput[]> {
    const params = { peer: this.peer, name: this.name };
    const { watch, state } = await this._control.request<IOpened>('open', params);
    this._control.tell('close', { watch });
    return (state.outputs ?? []) as IOutput[];
  }

  /**
   * Return the code of a module that widgets of the pane need, as its owner has installed it.
   *
   * @throws PeerError, why the owner does not send it.
   */
  async module(name: string): Promise<string> {
    if (this._watch === null) {
      throw new PeerError(OWN.paneNotOpen);
    }
    const params = { watch: this._watch, module: name };
    return (await this._control.request<{ code: string }>('module', params)).code;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._attempt += 1;
      this._close();
      this._control.eventReceived.disconnect(this._onEvent, this);
      this._control.stateChanged.disconnect(this._onControlState, this);
      Signal.clearData(this);
    }
  }

  private _close(): void {
    if (this._watch !== null) {
      this._control.tell('close', { watch: this._watch });
      this._watch = null;
    }
  }

  private _onRefused(error: PeerError, ifWatched: boolean): void {
    if (error.code === 'not_watched' || (ifWatched && error.code === 'link_closed')) {
      this._update({ phase: 'idle' });
    } else if (error.code === 'link_closed') {
      // It is opened as soon as the own server is there again.
      this._update({ phase: 'opening', lostAt: this._state.lostAt ?? Date.now() / 1000 });
    } else {
      this._update({ phase: 'failed', error });
    }
  }

  private _onControlState(): void {
    if (this._state.phase === 'idle') {
      return;
    }
    if (this._control.state === 'open') {
      void this.start();
    } else {
      this._watch = null;
      this._update({ lostAt: this._state.lostAt ?? Date.now() / 1000 });
    }
  }

  private _onEvent(_: ControlSocket, { event, data }: IControlEvent): void {
    if (event === 'panes' && this._state.phase === 'failed') {
      const { offered } = data as IPaneLists;
      if (offered.some(pane => pane.name === this.name && pane.peer.node_id === this.peer)) {
        void this.start();
      }
    } else if (event === 'pane') {
      const step = data as IPaneStep & { watch: number; info?: IPaneInfo };
      if (step.watch !== this._watch) {
        return;
      }
      if (step.info) {
        this._update({ info: this._named(step.info) });
      }
      if (step.outputs || step.messages) {
        this._take(step);
      }
    }
  }

  /** The facts, with the name that the owner had: a peer that was forgotten has none. */
  private _named(info: IPaneInfo): IPaneInfo {
    return info.owner.node_name ? info : { ...info, owner: this._state.info?.owner ?? info.owner };
  }

  private _take(step: IPaneStep): void {
    const builds = step.prev === this._state.rev && step.epoch === this._epoch;
    if (step.messages && !builds) {
      void this.start();
      return;
    }
    this._epoch = step.epoch;
    this._update({ rev: step.rev, changedAt: Date.now() / 1000 });
    this._stepReceived.emit(step);
  }

  private _update(change: Partial<IFeedState>): void {
    this._state = { ...this._state, ...change };
    this._stateChanged.emit(this._state);
  }

  private readonly _stateChanged = new Signal<this, IFeedState>(this);
  private readonly _stepReceived = new Signal<this, IPaneStep>(this);
  private _state = IDLE;
  private _watch: number | null = null;
  private _attempt = 0;
  private _epoch = '';
  private _isDisposed = false;
}
