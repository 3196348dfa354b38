import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { decodeFrame } from './controlframe';
import { OWN } from './ownfailures';
import { NAMESPACE, PeerError } from './requests';

/** `connecting` also between two tries; `closed` only once disposed. */
export type ControlState = 'connecting' | 'open' | 'closed';

/** Something the server says unasked. */
export interface IControlEvent {
  event: string;
  data: unknown;
}

interface IPending {
  resolve: (result: unknown) => void;
  reject: (error: PeerError) => void;
  onProgress?: (progress: unknown) => void;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

/**
 * The control socket: operations with answers and progress, and events of the hub.
 *
 * It reconnects by itself with growing, jittered delays, and at once when the page comes back to
 * the foreground or the network comes back. What is under way when it breaks is rejected: an
 * operation is never sent twice.
 */
export class ControlSocket implements IDisposable {
  constructor(settings: ServerConnection.ISettings) {
    this._settings = settings;
    window.addEventListener('online', this._onBack);
    document.addEventListener('visibilitychange', this._onBack);
    this._open();
  }

  get state(): ControlState {
    return this._state;
  }

  /** When the next try is due (`Date.now()` scale), or null when none is scheduled. */
  get retryAt(): number | null {
    return this._retryAt;
  }

  get stateChanged(): ISignal<this, ControlState> {
    return this._stateChanged;
  }

  get eventReceived(): ISignal<this, IControlEvent> {
    return this._eventReceived;
  }

  get isDisposed(): boolean {
    return this._state === 'closed';
  }

  /**
   * Run one operation.
   *
   * @param signal - Cancels it; the server does not answer what was cancelled.
   * @throws PeerError, the server's own, `link_closed` when the socket is or gets closed, or
   *   `cancelled`.
   */
  request<T>(
    op: string,
    params: Record<string, unknown> = {},
    onProgress?: (progress: unknown) => void,
    signal?: AbortSignal
  ): Promise<T> {
    if (this._state !== 'open' || !this._socket) {
      return Promise.reject(new PeerError(OWN.interrupted));
    }
    const id = ++this._lastId;
    const answer = new Promise<T>((resolve, reject) => {
      this._pending.set(id, { resolve: resolve as IPending['resolve'], reject, onProgress });
    });
    this._socket.send(JSON.stringify({ id, op, params }));
    signal?.addEventListener('abort', () => this._cancel(id), { once: true });
    return answer;
  }

  /** Say something that gets no answer; it is lost when the socket is not open. */
  tell(op: string, params: Record<string, unknown>): void {
    if (this._state === 'open') {
      this._socket?.send(JSON.stringify({ op, params }));
    }
  }

  /** Try now instead of waiting for the next try. */
  reconnect(): void {
    if (this._state === 'connecting' && !this._socket) {
      this._open();
    }
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    window.removeEventListener('online', this._onBack);
    document.removeEventListener('visibilitychange', this._onBack);
    this._drop();
    this._setState('closed');
    Signal.clearData(this);
  }

  private _cancel(id: number): void {
    const pending = this._pending.get(id);
    if (pending) {
      this._pending.delete(id);
      this.tell('cancel', { request: id });
      pending.reject(new PeerError(OWN.cancelled));
    }
  }

  private _open(): void {
    this._clearTimer();
    const { wsUrl, token, appendToken, WebSocket } = this._settings;
    let url = URLExt.join(wsUrl, NAMESPACE, 'ws');
    if (appendToken && token !== '') {
      url += `?token=${encodeURIComponent(token)}`;
    }
    const socket = new WebSocket(url);
    // Large outputs come in binary frames.
    socket.binaryType = 'arraybuffer';
    this._socket = socket;
    socket.onopen = () => this._setState('open');
    socket.onmessage = message => this._onMessage(message.data);
    // `onerror` says nothing that `onclose` does not; a socket that failed always closes.
    socket.onclose = () => {
      this._drop();
      this._retry();
    };
  }

  /** Let go of the socket and of everything that waits for it. */
  private _drop(): void {
    this._clearTimer();
    const socket = this._socket;
    this._socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const pending = [...this._pending.values()];
    this._pending.clear();
    pending.forEach(each => each.reject(new PeerError(OWN.interrupted)));
  }

  private _retry(): void {
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this._failures);
    this._failures += 1;
    // Many tabs of one server that restarts must not come back in one instant.
    const jittered = delay * (0.75 + Math.random() / 2);
    this._retryAt = Date.now() + jittered;
    this._timer = window.setTimeout(() => this._open(), jittered);
    this._setState('connecting', true);
  }

  private _clearTimer(): void {
    window.clearTimeout(this._timer);
    this._retryAt = null;
  }

  private _setState(state: ControlState, always = false): void {
    if (state !== this._state || always) {
      this._state = state;
      this._stateChanged.emit(state);
    }
  }

  private _onMessage(data: unknown): void {
    const frame = decodeFrame(data);
    if (!frame) {
      return;
    }
    // Only now is it known that the server accepts and serves this socket.
    this._failures = 0;
    if (typeof frame.event === 'string') {
      this._eventReceived.emit({ event: frame.event, data: frame.data });
      return;
    }
    const pending = frame.id === undefined ? undefined : this._pending.get(frame.id);
    if (frame.id === undefined || !pending) {
      return;
    }
    if (frame.progress !== undefined) {
      pending.onProgress?.(frame.progress);
      return;
    }
    this._pending.delete(frame.id);
    if (frame.error) {
      pending.reject(new PeerError(frame.error));
    } else {
      pending.resolve(frame.result);
    }
  }

  private _onBack = (): void => {
    if (document.visibilityState !== 'hidden') {
      this.reconnect();
    }
  };

  private readonly _settings: ServerConnection.ISettings;
  private readonly _pending = new Map<number, IPending>();
  private readonly _stateChanged = new Signal<this, ControlState>(this);
  private readonly _eventReceived = new Signal<this, IControlEvent>(this);
  private _socket: WebSocket | null = null;
  private _state: ControlState = 'connecting';
  private _retryAt: number | null = null;
  private _timer = 0;
  private _failures = 0;
  private _lastId = 0;
}
