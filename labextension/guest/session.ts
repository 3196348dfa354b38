/** One connection to the owner, from its handshake to its end. */

import { type Bytes, toHex } from '../wire/bytes';
import { Channel, type IMessage } from '../wire/channel';
import { readGroupKey } from '../wire/group';
import { type IPrimitives, type ISigner, nodeIdOfHash } from '../wire/crypto';
import { WireError } from '../wire/errors';
import { checkAuthResult, Dialer, type ISession } from '../wire/handshake';
import { type JsonObject, plain } from '../wire/json';
import { type IGuestLink } from './address';
import { type Frame, type ICarrier, type ICarrierEvents, PortCarrier } from './carrier';
import { RelayCarrier } from './relay';

const HANDSHAKE_MS = 15_000;
const ANSWER_MS = 15_000;
/** The owner pings every 15 s. */
const SILENCE_MS = 40_000;
const MAX_MESSAGE = 64 * 1024 * 1024;

/** A message of the owner, with numbers as numbers. */
export interface IOwnersMessage {
  type: string;
  data: Record<string, unknown>;
  buffers?: Bytes[];
}

export interface ISessionEvents {
  onMessage: (message: IOwnersMessage) => void;
  /** The session is over: a reason of `bye`, an error code, or `lost`. */
  onEnd: (reason: string) => void;
}

export class Session {
  private constructor(
    readonly ownerName: string,
    private readonly _channel: Channel,
    private readonly _carrier: ICarrier,
    private readonly _frames: Frames,
    private readonly _early: IMessage[],
    private readonly _events: ISessionEvents
  ) {}

  /**
   * Connect, prove the owner's key, and show the link.
   *
   * @throws WireError, why the owner cannot be reached or refuses.
   */
  static async open(
    link: IGuestLink,
    name: string,
    signer: ISigner,
    primitives: IPrimitives,
    events: ISessionEvents
  ): Promise<Session> {
    const frames = new Frames();
    const owner = nodeIdOfHash(link.keyHash);
    const carrier: ICarrier = link.byRelay
      ? new RelayCarrier(link.socket, signer, owner, frames)
      : new PortCarrier(link.socket, frames);
    const timer = setTimeout(() => frames.onEnd('timeout'), HANDSHAKE_MS);
    try {
      await Promise.race([carrier.open(), frames.ended]);
      const dialer = new Dialer({
        primitives,
        signer,
        name: '',
        capabilities: ['pane-widgets', 'groups', 'key-order'],
        expect: owner,
        expectKeyHash: link.keyHash,
        token: null,
        guest: { link: link.id, secret: link.secret, name }
      });
      carrier.send(await dialer.hello());
      const ack = await frames.next();
      if (typeof ack !== 'string') {
        throw new WireError('protocol', 'a binary frame came where hello_ack was due');
      }
      const session = await dialer.onHelloAck(ack);
      const channel = channelOf(session, signer, primitives, carrier);
      await channel.put('auth', session.auth, [], session.authInReplyTo);
      const [result, ...early] = await opened(channel, await frames.next());
      if (result?.type !== 'auth_result') {
        throw new WireError('protocol', 'auth_result is due');
      }
      checkAuthResult(session, result.data);
      return new Session(session.peerName, channel, carrier, frames, early, events);
    } catch (error) {
      carrier.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hand on what has come, and what comes from now on. */
  begin(): void {
    this._early.splice(0).forEach(message => this._take(message));
    this._frames.attach(
      frame => this._onFrame(frame),
      (group, frame) => this._onGroupFrame(group, frame),
      reason => this._onEnd(reason)
    );
    this._watching = setInterval(() => {
      // Nothing comes on it any more, or the computer was asleep.
      if (Date.now() - this._heardAt > SILENCE_MS) {
        this.close('timeout');
      }
    }, 5000);
  }

  /** Send a message to which nothing is answered. */
  say(type: string, data: JsonObject): void {
    this._channel.put(type, data).catch(() => this.close('lost'));
  }

  /**
   * Send a message and return the owner's answer.
   *
   * @throws WireError, the owner's error, or `timeout`.
   */
  async ask(type: string, data: JsonObject, withinMs = ANSWER_MS): Promise<IOwnersMessage> {
    const id = await this._channel.put(type, data);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this._waiting.delete(id);
        reject(new WireError('timeout', 'the owner does not answer'));
      }, withinMs);
      this._waiting.set(id, { resolve, reject, timer });
    });
  }

  close(reason: string): void {
    this._carrier.close();
    this._onEnd(reason);
  }

  private _onFrame(frame: Frame): void {
    this._heardAt = Date.now();
    opened(this._channel, frame).then(
      messages => messages.forEach(message => this._hasEnded || this._take(message)),
      (error: unknown) => this.close(error instanceof WireError ? error.code : 'malformed')
    );
  }

  private _onGroupFrame(group: string, frame: Bytes): void {
    void this._channel
      .receiveOfGroup(group, frame)
      .then(messages => messages.forEach(message => this._hasEnded || this._take(message)))
      .catch(() => undefined); // the link is broken, and whoever reads its frames hears of it
  }

  /** Use the key of a group; whoever cannot join goes on with its own link. */
  private _onGroupKey(data: Record<string, unknown>): void {
    const key = readGroupKey(data);
    if (key && (!key.join || this._carrier.join(key.group))) {
      this._channel.useGroupKey(key);
      if (key.join) {
        this.say('group_joined', { group: key.group });
      }
    }
  }

  private _take(message: IMessage): void {
    const { type, msg_id, re, buffers } = message;
    const data = plain(message.data) as Record<string, unknown>;
    const waiting = re === null ? undefined : this._waiting.get(re);
    if (waiting) {
      this._waiting.delete(re as string);
      clearTimeout(waiting.timer);
      if (type === 'error' || type === 'unsupported') {
        waiting.reject(new WireError(text(data.code, 64), text(data.message, 300)));
      } else {
        waiting.resolve({ type, data, buffers });
      }
    } else if (type === 'ping') {
      this._channel.put('pong', {}, [], msg_id).catch(() => undefined);
    } else if (type === 'group_key') {
      this._onGroupKey(data);
    } else if (type === 'bye') {
      this.close(text(data.reason, 64));
    } else {
      this._events.onMessage({ type, data, buffers });
    }
  }

  private _onEnd(reason: string): void {
    if (!this._hasEnded) {
      this._hasEnded = true;
      clearInterval(this._watching);
      for (const { reject, timer } of this._waiting.values()) {
        clearTimeout(timer);
        reject(new WireError('link_closed', 'the connection was lost'));
      }
      this._waiting.clear();
      this._events.onEnd(reason);
    }
  }

  private readonly _waiting = new Map<
    string,
    {
      resolve: (message: IOwnersMessage) => void;
      reject: (error: WireError) => void;
      timer: ReturnType<typeof setTimeout>;
    }
  >();
  private _heardAt = Date.now();
  private _watching: ReturnType<typeof setInterval> | undefined;
  private _hasEnded = false;
}

/** Frames in the order they came: those of the handshake are asked for, the rest are handed on. */
class Frames implements ICarrierEvents {
  constructor() {
    this.ended = new Promise((_, reject) => {
      this._reject = reject;
    });
    // Whoever waits hears of it; between two waits nobody does.
    this.ended.catch(() => undefined);
  }

  /** Rejects when the carrier ends. */
  readonly ended: Promise<never>;

  onFrame = (frame: Frame): void => {
    if (this._onFrame) {
      this._onFrame(frame);
    } else {
      this._queue.push(frame);
      this._wake();
    }
  };

  onGroupFrame = (group: string, frame: Bytes): void => this._onGroupFrame?.(group, frame);

  onEnd = (reason: string): void => {
    this._reason ??= reason;
    this._reject(new WireError(reason === 'lost' ? 'unreachable' : reason));
    this._onEnd?.(reason);
  };

  async next(): Promise<Frame> {
    while (!this._queue.length) {
      const arrived = new Promise<void>(resolve => {
        this._wake = resolve;
      });
      await Promise.race([arrived, this.ended]);
    }
    return this._queue.shift() as Frame;
  }

  attach(
    onFrame: (frame: Frame) => void,
    onGroupFrame: (group: string, frame: Bytes) => void,
    onEnd: (reason: string) => void
  ): void {
    [this._onFrame, this._onGroupFrame, this._onEnd] = [onFrame, onGroupFrame, onEnd];
    this._queue.splice(0).forEach(onFrame);
    if (this._reason !== null) {
      onEnd(this._reason);
    }
  }

  private readonly _queue: Frame[] = [];
  private _reason: string | null = null;
  private _onFrame: ((frame: Frame) => void) | null = null;
  private _onGroupFrame: ((group: string, frame: Bytes) => void) | null = null;
  private _onEnd: ((reason: string) => void) | null = null;
  private _wake: () => void = () => undefined;
  private _reject: (error: WireError) => void = () => undefined;
}

function channelOf(
  session: ISession,
  signer: ISigner,
  primitives: IPrimitives,
  carrier: ICarrier
): Channel {
  const send = (frame: Bytes) => carrier.send(frame);
  return new Channel({ session, signer, primitives, send, maxMessage: MAX_MESSAGE });
}

function opened(channel: Channel, frame: Frame): Promise<IMessage[]> {
  if (typeof frame === 'string') {
    return Promise.reject(new WireError('protocol', 'a text frame came on a sealed link'));
  }
  return channel.receive(frame);
}

const text = (value: unknown, length: number): string =>
  typeof value === 'string' ? value.slice(0, length) : '';

/** The first half of the fingerprint of a key, as people compare it. */
export const shortFingerprint = (keyHash: Bytes): string =>
  (toHex(keyHash.subarray(0, 8)).match(/.{4}/g) ?? []).join(' ');
