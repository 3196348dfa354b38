import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket, IControlEvent } from '../control';
import { IChatLine, IChats as IChatNews } from '../shapes';

/** The number of unread lines of each peer, by node id. */
export type Unread = Readonly<Record<string, number>>;

/** The conversations with peers, as other plugins see them. */
export interface IChats {
  readonly unread: Unread;
  /** The number of unread lines has changed. */
  readonly unreadChanged: ISignal<IChats, Unread>;
  /** A peer has just written a line. */
  readonly lineArrived: ISignal<IChats, IChatLine>;
  /** Whether a person can see the conversation with this peer right now. */
  isWatched: (nodeId: string) => boolean;
}

/** Number of shown lines of a conversation. */
const SHOWN = 200;

/** The conversations with peers, in step with the control socket. */
export class ChatModel implements IChats, IDisposable {
  constructor(private readonly _control: ControlSocket) {
    _control.eventReceived.connect(this._onEvent, this);
    _control.stateChanged.connect(this._onControlState, this);
    this._onControlState();
  }

  /** Replaced by the view that shows conversations. */
  isWatched: (nodeId: string) => boolean = () => false;

  get unread(): Unread {
    return this._unread;
  }

  get unreadChanged(): ISignal<this, Unread> {
    return this._unreadChanged;
  }

  get lineArrived(): ISignal<this, IChatLine> {
    return this._lineArrived;
  }

  /** Lines arrived, were sent or were read, in this tab or elsewhere. */
  get changed(): ISignal<this, IChatNews> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Send a line; the peer has it when this resolves. */
  async say(nodeId: string, text: string): Promise<void> {
    await this._control.request('chat', { peer: nodeId, text });
  }

  /** Return the last lines with a peer; with `seen` they count as read. */
  async lines(nodeId: string, seen: boolean): Promise<IChatLine[]> {
    const params = { peer: nodeId, limit: SHOWN, seen };
    const { lines, unread } = await this._control.request<IChatNews>('chats', params);
    this._setUnread(unread);
    return lines;
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
    if (this._control.state === 'open') {
      void this._load();
    }
  }

  /** Ask what is unread, and up to which number the server has lines. */
  private async _load(): Promise<void> {
    try {
      const { lines, unread } = await this._control.request<IChatNews>('chats', { limit: 1 });
      this._newest = lines[lines.length - 1]?.number ?? 0;
      this._setUnread(unread);
    } catch {
      // The next event tells it.
    }
  }

  private _onEvent(_: ControlSocket, { event, data }: IControlEvent): void {
    if (event !== 'chat') {
      return;
    }
    const news = data as IChatNews;
    const known = this._newest;
    this._newest = Math.max(known ?? 0, ...news.lines.map(line => line.number));
    this._setUnread(news.unread);
    this._changed.emit(news);
    if (known !== null) {
      for (const line of news.lines) {
        if (!line.mine && line.number > known) {
          this._lineArrived.emit(line);
        }
      }
    }
  }

  private _setUnread(unread: Unread): void {
    this._unread = unread;
    this._unreadChanged.emit(unread);
  }

  private readonly _unreadChanged = new Signal<this, Unread>(this);
  private readonly _lineArrived = new Signal<this, IChatLine>(this);
  private readonly _changed = new Signal<this, IChatNews>(this);
  private _unread: Unread = {};
  /** Number of the newest line known; null until the server has said. */
  private _newest: number | null = null;
  private _isDisposed = false;
}
