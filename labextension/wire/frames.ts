/** Inner frames: SPEC section 4.2. */

import { type Bytes, concat, Reader, toHex, u32, u64, utf8 } from './bytes';
import { hash } from './crypto';
import { WireError } from './errors';

export const ENVELOPE = 0;
export const FRAGMENT = 1;
export const BATCH = 2;
export const CREDIT = 3;

export const FRAGMENT_BYTES = 60 * 1024;
/** Smaller envelope frames count toward no credit. */
export const EXEMPT_BYTES = 4096;
const MAX_BATCH = 4096;
const MAX_BUFFERS = 4096;
const MAX_IN_PROGRESS = 16;
const SIGNATURE_BYTES = 64;
const TTL = 8;
const BATCH_LABEL = utf8('jupyter-peer/1 batch');

/** An envelope as it came: the signed bytes, and the buffers with their hashes in hex. */
export interface IPart {
  canonical: Bytes;
  buffers: Bytes[];
  hashes: string[];
}

/** A frame whose signature is still to be verified over `signed`. */
export interface ISignedParts {
  sig: Bytes;
  signed: Bytes;
  parts: IPart[];
}

export function envelopeFrame(canonical: Bytes, sig: Bytes, buffers: Bytes[] = []): Bytes {
  const lengths = buffers.map(buffer => u64(buffer.length));
  const head = [Uint8Array.of(ENVELOPE), u32(canonical.length), canonical, sig];
  return concat(...head, Uint8Array.of(TTL), u32(buffers.length), ...lengths, ...buffers);
}

export const creditFrame = (consumed: number): Bytes =>
  concat(Uint8Array.of(CREDIT), u64(consumed));

/** Cut a frame into fragments of at most 60 KiB. */
export function fragmentsOf(frame: Bytes, number: number): Bytes[] {
  const pieces: Bytes[] = [];
  for (let at = 0; at < frame.length; at += FRAGMENT_BYTES) {
    const piece = frame.subarray(at, at + FRAGMENT_BYTES);
    const isLast = at + FRAGMENT_BYTES >= frame.length;
    pieces.push(concat(Uint8Array.of(FRAGMENT), u32(number), Uint8Array.of(+isLast), piece));
  }
  return pieces;
}

/**
 * Take an envelope or batch frame apart, down to the last byte.
 *
 * @throws WireError, `malformed` or `too_large`.
 */
export function readParts(frame: Bytes): ISignedParts {
  const reader = new Reader(frame);
  return exactly(reader, () => {
    const kind = reader.u8();
    if (kind === ENVELOPE) {
      const canonical = reader.take(reader.u32());
      const sig = reader.take(SIGNATURE_BYTES);
      return { sig, signed: canonical, parts: [readTrailer(reader, canonical)] };
    }
    if (kind !== BATCH) {
      throw new WireError('malformed', `there is no frame of kind ${kind}`);
    }
    const sig = reader.take(SIGNATURE_BYTES);
    const count = reader.u32();
    if (count < 1 || count > MAX_BATCH) {
      throw new WireError('malformed', 'a batch holds 1 to 4096 envelopes');
    }
    const parts: IPart[] = [];
    while (parts.length < count) {
      parts.push(readTrailer(reader, reader.take(reader.u32())));
    }
    const digests = parts.map(part => hash(part.canonical));
    return { sig, signed: concat(BATCH_LABEL, ...digests), parts };
  });
}

/** @throws WireError, `malformed`. */
export function readCredit(frame: Bytes): number {
  const reader = new Reader(frame.subarray(1));
  return exactly(reader, () => reader.u64());
}

function readTrailer(reader: Reader, canonical: Bytes): IPart {
  reader.u8(); // ttl: for relays
  const count = reader.u32();
  if (count > MAX_BUFFERS) {
    throw new WireError('too_large', 'a message has at most 4096 buffers');
  }
  const lengths = Array.from({ length: count }, () => reader.u64());
  const buffers = lengths.map(length => reader.take(length));
  return { canonical, buffers, hashes: buffers.map(buffer => toHex(hash(buffer))) };
}

function exactly<T>(reader: Reader, read: () => T): T {
  let result: T;
  try {
    result = read();
  } catch (error) {
    throw error instanceof WireError ? error : new WireError('malformed', 'the frame is cut off');
  }
  if (reader.left) {
    throw new WireError('malformed', 'the frame has bytes left over');
  }
  return result;
}

/** Puts fragments together again; at most 16 messages and `maxBytes` are in progress at once. */
export class Assembler {
  constructor(private readonly _maxBytes: number) {}

  /**
   * Add a fragment; return the whole frame with its last one, else null.
   *
   * @throws WireError, `malformed` or `too_large`.
   */
  add(frame: Bytes): Bytes | null {
    if (frame.length < 7 || frame[5] > 1) {
      throw new WireError('malformed', 'this is no fragment');
    }
    const number = new DataView(frame.buffer, frame.byteOffset).getUint32(1);
    const pieces = this._open.get(number) ?? [];
    this._bytes += frame.length - 6;
    if (this._bytes > this._maxBytes) {
      throw new WireError('too_large', 'the messages in progress are too large');
    }
    pieces.push(frame.subarray(6));
    if (!frame[5]) {
      this._open.set(number, pieces);
      if (this._open.size > MAX_IN_PROGRESS) {
        throw new WireError('too_large', 'too many messages are in progress');
      }
      return null;
    }
    this._open.delete(number);
    const whole = concat(...pieces);
    this._bytes -= whole.length;
    return whole;
  }

  private readonly _open = new Map<number, Bytes[]>();
  private _bytes = 0;
}
