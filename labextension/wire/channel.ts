/** A sealed session: SPEC sections 4.1 to 4.3, as far as a viewer of one pane needs it. */

import { type Bytes, toHex } from './bytes';
import { type ISigner } from './crypto';
import { type IPrimitives, hash, nodeIdOf } from './crypto';
import { canonicalBytes, type IEnvelope, newMessageId, readCanonical } from './envelope';
import { WireError } from './errors';
import {
  Assembler,
  BATCH,
  CREDIT,
  creditFrame,
  ENVELOPE,
  envelopeFrame,
  EXEMPT_BYTES,
  FRAGMENT,
  FRAGMENT_BYTES,
  fragmentsOf,
  readCredit,
  readParts
} from './frames';
import { GroupOpener, type IGroupKey, MAX_GROUPS } from './group';
import { type ISession } from './handshake';
import { type JsonObject } from './json';

export interface IMessage extends IEnvelope {
  buffers: Bytes[];
  hashes: string[];
}

const CREDIT_EVERY = 256 * 1024;
const WINDOW = 1024 * 1024;
const MAX_FRAME = 64 * 1024;
const MAX_MESSAGE = 64 * 1024 * 1024;

export interface IChannelOptions {
  session: ISession;
  signer: ISigner;
  primitives: IPrimitives;
  /** Sends one sealed frame. */
  send: (frame: Bytes) => void;
  maxMessage?: number;
  stamp?: () => { msg_id: string; ts: number };
}

/**
 * Seals what is sent and opens what comes, strictly in order.
 *
 * Web cryptography is asynchronous, so both directions are chains of promises: a frame is opened
 * only after the one before it was handled.
 */
export class Channel {
  constructor(private readonly _options: IChannelOptions) {
    this._nodeId = nodeIdOf(_options.signer.publicKey);
    this._assembler = new Assembler(_options.maxMessage ?? MAX_MESSAGE);
    this._stamp = _options.stamp ?? (() => ({ msg_id: newMessageId(), ts: Date.now() / 1000 }));
  }

  /** Bytes sent that the peer has not said it consumed. */
  get unconsumed(): number {
    return this._sent - this._theyConsumed;
  }

  /**
   * Sign, seal and send a message; resolves with its id once it was handed to the socket.
   *
   * @throws WireError, `busy`, when the peer does not read.
   */
  async put(type: string, data: JsonObject, buffers: Bytes[] = [], re: string | null = null) {
    const listed = buffers.length
      ? { ...data, buffers: buffers.map(buffer => toHex(hash(buffer))) }
      : data;
    const fields = { type, re, src: this._nodeId, data: listed, ...this._stamp() };
    const canonical = canonicalBytes(fields);
    const sig = await this._options.signer.sign(canonical);
    const frame = envelopeFrame(canonical, sig, buffers);
    if (frame.length >= EXEMPT_BYTES) {
      if (this.unconsumed + frame.length > WINDOW) {
        throw new WireError('busy', 'the other side does not read what was sent');
      }
    }
    const whole = frame.length > FRAGMENT_BYTES ? fragmentsOf(frame, this._number++) : [frame];
    for (const inner of whole) {
      if (inner.length >= EXEMPT_BYTES || inner[0] === FRAGMENT) {
        this._sent += inner.length;
      }
      void this._seal(inner);
    }
    await this._outgoing;
    return fields.msg_id;
  }

  /**
   * Open a frame and return the messages in it, in order; call it for every frame that comes.
   *
   * @throws WireError. After that the link must be closed.
   */
  receive(frame: Bytes): Promise<IMessage[]> {
    const opened = this._incoming.then(() => this._open(frame));
    this._incoming = opened;
    // Whoever awaits the result hears of a failure; the chain itself is not awaited.
    opened.catch(() => undefined);
    return opened;
  }

  /** Open the frames of a group by this key from now on; an older key changes nothing. */
  useGroupKey(key: IGroupKey): void {
    const before = this._groups.get(key.group);
    if (before ? key.epoch <= before.key.epoch : !key.join) {
      return;
    }
    const sealKey = this._options.primitives.sealKey(key.key);
    const opener = new GroupOpener(key, sealKey, frame => this._verified(frame));
    this._groups.set(key.group, opener);
    for (const oldest of this._groups.keys()) {
      if (this._groups.size <= MAX_GROUPS) {
        break;
      }
      this._groups.delete(oldest);
    }
  }

  /**
   * Open a frame of a group and return the message in it, in its place among the frames of the link.
   *
   * Whoever carries the frames can invent some. They are refused, and the link is as sound as before.
   *
   * @throws WireError, when the link is broken.
   */
  receiveOfGroup(group: string, frame: Bytes): Promise<IMessage[]> {
    const opened = this._incoming.then(async () => {
      try {
        return (await this._groups.get(group)?.open(frame)) ?? [];
      } catch {
        return [];
      }
    });
    this._incoming = opened;
    opened.catch(() => undefined);
    return opened;
  }

  private async _open(sealed: Bytes): Promise<IMessage[]> {
    if (sealed.length > MAX_FRAME) {
      throw new WireError('too_large', 'the frame is over 64 KiB');
    }
    let inner: Bytes;
    try {
      inner = await this._options.session.inward.open(nonce(this._inCount++), sealed);
    } catch {
      throw new WireError('seal_broken', 'a frame was altered, lost or repeated');
    }
    const kind = inner[0];
    if (kind === CREDIT) {
      const consumed = readCredit(inner);
      this._theyConsumed = Math.max(this._theyConsumed, Math.min(consumed, this._sent));
      return [];
    }
    if (kind !== ENVELOPE || inner.length >= EXEMPT_BYTES) {
      this._consumed += inner.length;
    }
    let messages: IMessage[] = [];
    if (kind === FRAGMENT) {
      const whole = this._assembler.add(inner);
      if (whole) {
        if (whole[0] !== ENVELOPE && whole[0] !== BATCH) {
          throw new WireError('malformed', 'fragments hold envelopes or batches');
        }
        messages = await this._verified(whole);
      }
    } else {
      messages = await this._verified(inner);
    }
    if (this._consumed - this._credited >= CREDIT_EVERY) {
      this._credited = this._consumed;
      void this._seal(creditFrame(this._consumed));
    }
    return messages;
  }

  private async _verified(frame: Bytes): Promise<IMessage[]> {
    const { session, primitives } = this._options;
    const { sig, signed, parts } = readParts(frame);
    if (!(await primitives.verify(session.peerKey, sig, signed))) {
      throw new WireError('bad_signature', 'the signature of a message is wrong');
    }
    return parts.map(({ canonical, buffers, hashes }) => {
      const envelope = readCanonical(canonical);
      if (envelope.src !== session.peer) {
        throw new WireError('bad_identity', 'the message is from another node');
      }
      const listed = envelope.data.buffers ?? [];
      if (!Array.isArray(listed) || listed.join() !== hashes.join()) {
        throw new WireError('malformed', 'the buffers are not those that are listed');
      }
      return { ...envelope, buffers, hashes };
    });
  }

  private _seal(inner: Bytes): Promise<void> {
    const { session, send } = this._options;
    const count = this._outCount++;
    this._outgoing = this._outgoing.then(async () => {
      send(await session.outward.seal(nonce(count), inner));
    });
    return this._outgoing;
  }

  private readonly _nodeId: string;
  private readonly _assembler: Assembler;
  private readonly _groups = new Map<string, GroupOpener<IMessage>>();
  private readonly _stamp: () => { msg_id: string; ts: number };
  private _incoming: Promise<unknown> = Promise.resolve();
  private _outgoing: Promise<void> = Promise.resolve();
  private _outCount = 0;
  private _inCount = 0;
  private _number = 0;
  private _sent = 0;
  private _theyConsumed = 0;
  private _consumed = 0;
  private _credited = 0;
}

/** Four zero bytes and the count of the direction's frames (SPEC section 4.1). */
function nonce(count: number): Bytes {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setBigUint64(4, BigInt(count));
  return bytes;
}
