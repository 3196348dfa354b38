/** The dialler's half of the handshake: SPEC section 3. */

import { type Bytes, concat, fromBase64, toBase64, toHex, u32, utf8 } from './bytes';
import {
  hash,
  hkdf96,
  type IPrimitives,
  type ISealKey,
  type ISigner,
  nodeIdOf,
  x25519Public,
  x25519Shared
} from './crypto';
import { canonicalBytes, isObject, newMessageId, readText } from './envelope';
import { WireError } from './errors';
import { canonical, type JsonObject } from './json';

const NONCE = /^[0-9a-f]{32}$/;
const CODE = /^[a-z_]{1,64}$/;

export interface IDialerOptions {
  primitives: IPrimitives;
  signer: ISigner;
  name: string;
  capabilities: string[];
  /** The node id that must answer; and the SHA-256 of its key, where that is known. */
  expect: string | null;
  expectKeyHash?: Bytes;
  token: string | null;
  /** The guest link to open, in place of a token (SPEC section 11). */
  guest?: JsonObject;
  /** Randomness and time are arguments, so that golden bytes can be made. */
  nonce?: string;
  x25519?: Bytes;
  stamp?: () => { msg_id: string; ts: number };
}

/** What the handshake leaves for the channel. */
export interface ISession {
  peer: string;
  peerName: string;
  peerKey: Bytes;
  outward: ISealKey;
  inward: ISealKey;
  session: string;
  auth: JsonObject;
  authInReplyTo: string;
}

export class Dialer {
  constructor(private readonly _options: IDialerOptions) {
    this.nodeId = nodeIdOf(_options.signer.publicKey);
    this._nonce = _options.nonce ?? toHex(crypto.getRandomValues(new Uint8Array(16)));
    this._x25519 = _options.x25519 ?? crypto.getRandomValues(new Uint8Array(32));
    this._stamp = _options.stamp ?? (() => ({ msg_id: newMessageId(), ts: Date.now() / 1000 }));
  }

  readonly nodeId: string;

  /** The first frame, in plain text. */
  async hello(): Promise<string> {
    const { signer, name, capabilities, expect } = this._options;
    const data: JsonObject = {
      public_key: toBase64(signer.publicKey),
      node_name: name,
      capabilities,
      nonce: this._nonce,
      seal: { x25519: toBase64(x25519Public(this._x25519)) }
    };
    const fields = { type: 'hello', re: null, src: this.nodeId, data, ...this._stamp() };
    this._hello = canonicalBytes(fields);
    const sig = toBase64(await signer.sign(this._hello));
    return canonical({ ...fields, v: 1, dst: expect, ttl: 8, sig });
  }

  /**
   * Check the answer and return the session; `auth` goes as its first sealed message.
   *
   * @throws WireError, with the code of SPEC section 3.1, or of the other side's refusal.
   */
  async onHelloAck(text: string): Promise<ISession> {
    const { envelope, signed, sig } = readText(text);
    const { data } = envelope;
    if (envelope.type === 'auth_result') {
      throw refusal(data);
    }
    if (envelope.type !== 'hello_ack') {
      throw new WireError('protocol', `${envelope.type} came where hello_ack was due`);
    }
    const { public_key, node_name, nonce, echo, seal } = data;
    if (
      typeof public_key !== 'string' ||
      typeof node_name !== 'string' ||
      typeof nonce !== 'string' ||
      !NONCE.test(nonce)
    ) {
      throw new WireError('malformed', 'a field of hello_ack is not as it should be');
    }
    const peerKey = bytesOf(public_key, 32);
    if (nodeIdOf(peerKey) !== envelope.src) {
      throw new WireError('bad_identity', 'the key is that of another node');
    }
    const { primitives, expect, expectKeyHash } = this._options;
    if (!(await primitives.verify(peerKey, bytesOf(sig, 64), signed))) {
      throw new WireError('bad_signature', 'the signature of hello_ack is wrong');
    }
    if (envelope.src === this.nodeId) {
      throw new WireError('own_node', 'this node answered itself');
    }
    if (expect !== null && envelope.src !== expect) {
      throw new WireError('wrong_node', `${envelope.src} answered where ${expect} was expected`);
    }
    if (expectKeyHash && toHex(hash(peerKey)) !== toHex(expectKeyHash)) {
      throw new WireError('key_changed', 'the node shows another key than the link names');
    }
    if (echo !== this._nonce) {
      throw new WireError('bad_echo', 'the answer is to another hello');
    }
    if (!isObject(seal) || typeof seal.x25519 !== 'string') {
      throw new WireError('unsealed_refused', 'the node offers no sealing');
    }
    if (seal.hello !== toHex(hash(this._hello))) {
      throw new WireError('bad_echo', 'the answer is to another hello than was sent');
    }
    const keys = this._keys(bytesOf(seal.x25519, 32), signed);
    const session = toHex(keys.subarray(64));
    const auth: JsonObject = { echo: nonce, session };
    if (this._options.token !== null) {
      auth.token = this._options.token;
    }
    if (this._options.guest) {
      auth.guest = this._options.guest;
    }
    return {
      peer: envelope.src,
      peerName: node_name,
      peerKey,
      outward: await primitives.sealKey(keys.slice(0, 32)),
      inward: await primitives.sealKey(keys.slice(32, 64)),
      session,
      auth,
      authInReplyTo: envelope.msg_id
    };
  }

  private _keys(theirs: Bytes, helloAck: Bytes): Bytes {
    let shared: Bytes;
    try {
      shared = x25519Shared(this._x25519, theirs);
    } catch {
      throw new WireError('malformed', 'the X25519 key is of low order');
    }
    const transcript = hash(
      concat(
        utf8('jupyter-peer/1 handshake'),
        u32(this._hello.length),
        this._hello,
        u32(helloAck.length),
        helloAck
      )
    );
    return hkdf96(shared, transcript, 'jupyter-peer/1 seal');
  }

  private readonly _nonce: string;
  private readonly _x25519: Bytes;
  private readonly _stamp: () => { msg_id: string; ts: number };
  private _hello: Bytes = new Uint8Array();
}

/**
 * Check the last frame of the handshake.
 *
 * @throws WireError, `bad_session`, or the code of the refusal.
 */
export function checkAuthResult(session: ISession, data: JsonObject): void {
  if (data.session !== session.session) {
    throw new WireError('bad_session', 'the answer belongs to another session');
  }
  if (data.ok !== true) {
    throw refusal(data);
  }
}

/** The other side's words, bounded; they are shown as text. */
function refusal(data: JsonObject): WireError {
  const code = typeof data.code === 'string' && CODE.test(data.code) ? data.code : 'refused';
  const reason = typeof data.reason === 'string' ? data.reason.slice(0, 300) : code;
  return new WireError(code, reason);
}

function bytesOf(text: string, length: number): Bytes {
  let bytes: Bytes;
  try {
    bytes = fromBase64(text);
  } catch {
    throw new WireError('malformed', 'a key or signature is not base64');
  }
  if (bytes.length !== length) {
    throw new WireError('malformed', `a key or signature has ${length} bytes`);
  }
  return bytes;
}
