/** A link over a relay: registration, frames and credit of relay/SPEC.md, as the node that dials. */

import {
  type Bytes,
  concat,
  fromHex,
  fromUtf8,
  Reader,
  toBase64,
  toHex,
  u64,
  utf8
} from '../wire/bytes';
import { type ISigner, nodeIdOf } from '../wire/crypto';
import { WireError } from '../wire/errors';
import {
  type Frame,
  type ICarrier,
  type ICarrierEvents,
  hearsay,
  openSocket,
  sizeOf
} from './carrier';

const VERSION = 1;
const DATA = 0;
const CLOSE = 1;
const GROUP = 2;
const JOIN = 3;
const TTL = 8;
const HEAD_BYTES = 43;
const [BINARY, TEXT, CREDIT, OPEN] = [0, 1, 2, 3];
const LABEL = utf8('jupyter-peer/1 relay ');
const WINDOW = 1024 * 1024;
const CREDIT_EVERY = WINDOW / 4;
const FRAME_COST = 64;
const OPEN_AGAIN_MS = [1000, 2000, 4000];

interface INotice {
  challenge?: unknown;
  registered?: unknown;
  max_members?: unknown;
  undeliverable?: unknown;
  error?: { code?: unknown };
}

export class RelayCarrier implements ICarrier {
  constructor(
    private readonly _url: string,
    private readonly _signer: ISigner,
    private readonly _owner: string,
    private readonly _events: ICarrierEvents
  ) {
    this._me = nodeIdOf(_signer.publicKey);
  }

  async open(): Promise<void> {
    const { socket, opened } = openSocket(
      this._url,
      frame => this._onMessage(frame),
      reason => this._end(reason)
    );
    this._socket = socket;
    await opened;
    const me = { register: this._me, public_key: toBase64(this._signer.publicKey) };
    socket.send(JSON.stringify(me));
    await new Promise<void>((resolve, reject) => {
      this._onRegistered = resolve;
      this._onRefused = reject;
    });
    this._tell(OPEN);
    for (const pause of OPEN_AGAIN_MS) {
      this._timers.push(setTimeout(() => this._limit || this._tell(OPEN), pause));
    }
    // The owner's first credit says that it is there.
    await new Promise<void>((resolve, reject) => {
      this._onCredit = resolve;
      this._onRefused = reject;
    });
  }

  send(frame: Frame): void {
    this._unsent.push(frame);
    this._flush();
  }

  join(group: string): boolean {
    if (this._hasGroups) {
      this._write(concat(this._head(JOIN), fromHex(group)));
    }
    return this._hasGroups;
  }

  close(): void {
    if (this._socket?.readyState === WebSocket.OPEN) {
      this._socket.send(concat(this._head(CLOSE), utf8('closed')));
    }
    this._socket?.close();
  }

  private _flush(): void {
    for (let frame = this._unsent[0]; frame !== undefined; frame = this._unsent[0]) {
      const size = sizeOf(frame) + FRAME_COST;
      if (this._sent + size > this._limit) {
        return;
      }
      this._unsent.shift();
      this._sent += size;
      const isText = typeof frame === 'string';
      const form = Uint8Array.of(isText ? TEXT : BINARY);
      this._write(
        concat(this._head(DATA), form, isText ? utf8(frame as string) : (frame as Bytes))
      );
    }
  }

  private _tell(form: number): void {
    this._write(concat(this._head(DATA), Uint8Array.of(form), u64(this._granted)));
  }

  private _write(message: Bytes): void {
    if (this._socket?.readyState === WebSocket.OPEN) {
      this._socket.send(message);
    }
  }

  private _head(kind: number): Bytes {
    const head = Uint8Array.of(VERSION, kind, TTL);
    return concat(head, utf8(this._owner), utf8(this._me), this._link);
  }

  private _onMessage(message: Frame): void {
    try {
      if (typeof message === 'string') {
        this._onNotice(JSON.parse(message) as INotice);
      } else {
        this._onFrame(message);
      }
    } catch {
      this._end('malformed');
    }
  }

  private _onNotice(notice: INotice): void {
    if (notice.error) {
      this._end(hearsay(notice.error.code, 'refused'));
    } else if (typeof notice.challenge === 'string') {
      void this._prove(notice.challenge);
    } else if (notice.registered === this._me) {
      this._hasGroups = typeof notice.max_members === 'number' && notice.max_members > 0;
      this._onRegistered();
    } else if (notice.undeliverable) {
      this._end('undeliverable');
    }
  }

  /** Sign the challenge, only if it is that of the relay that this page comes from. */
  private async _prove(challenge: string): Promise<void> {
    const [digits, host] = challenge.split('@', 2);
    const isOurs = host === undefined || host === new URL(this._url).host.toLowerCase();
    if (digits.length < 64 || !isOurs) {
      this._end('wrong_node');
      return;
    }
    const sig = toBase64(await this._signer.sign(concat(LABEL, utf8(challenge))));
    const me = { register: this._me, public_key: toBase64(this._signer.publicKey), sig };
    this._socket?.send(JSON.stringify(me));
  }

  private _onFrame(message: Bytes): void {
    const reader = new Reader(message);
    const [version, kind] = [reader.u8(), reader.u8()];
    reader.u8(); // ttl
    const [dst, src] = [fromUtf8(reader.take(16)), fromUtf8(reader.take(16))];
    const link = toHex(reader.take(8));
    // Anybody may send frames by a relay; only the owner's on this link count.
    if (version !== VERSION || dst !== this._me || src !== this._owner || link !== this._linkHex) {
      return;
    }
    if (kind === CLOSE) {
      const reason = fromUtf8(reader.take(Math.min(reader.left, 64)));
      this._end(hearsay(reason, 'closed'));
      return;
    }
    if (kind === GROUP) {
      this._events.onGroupFrame(toHex(reader.take(8)), reader.take(reader.left));
      return;
    }
    const form = reader.u8();
    if (form === CREDIT || form === OPEN) {
      this._limit = Math.max(this._limit, reader.u64());
      this._onCredit();
      this._flush();
      return;
    }
    const payload = message.subarray(HEAD_BYTES + 1);
    this._received += payload.length + FRAME_COST;
    if (this._received > this._granted || form > TEXT) {
      this._end('overflow');
      return;
    }
    this._events.onFrame(form === TEXT ? fromUtf8(payload) : payload);
    if (this._received + WINDOW - this._granted >= CREDIT_EVERY) {
      this._granted = this._received + WINDOW;
      this._tell(CREDIT);
    }
  }

  private _end(reason: string): void {
    if (!this._hasEnded) {
      this._hasEnded = true;
      this._timers.forEach(clearTimeout);
      this._onRefused(new WireError(reason === 'lost' ? 'unreachable' : reason));
      this._socket?.close();
      this._events.onEnd(reason);
    }
  }

  private readonly _me: string;
  private readonly _link = crypto.getRandomValues(new Uint8Array(8));
  private readonly _linkHex = toHex(this._link);
  private readonly _unsent: Frame[] = [];
  private readonly _timers: ReturnType<typeof setTimeout>[] = [];
  private _socket: WebSocket | null = null;
  private _hasEnded = false;
  private _hasGroups = false;
  private _sent = 0;
  private _limit = 0;
  private _received = 0;
  private _granted = WINDOW;
  private _onRegistered: () => void = () => undefined;
  private _onCredit: () => void = () => undefined;
  private _onRefused: (error: WireError) => void = () => undefined;
}
