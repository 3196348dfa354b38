/** Bytes and their spellings: hex, base64, big-endian numbers. */

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export const utf8 = (text: string): Bytes => encoder.encode(text);

const latin1 = new TextDecoder('latin1');
export const fromLatin1 = (bytes: Uint8Array): string => latin1.decode(bytes);

/** @throws TypeError, when the bytes are not UTF-8. */
export const fromUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);

export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

/** @throws RangeError, when the text is not lower-case hex of whole bytes. */
export function fromHex(text: string): Bytes {
  if (!/^([0-9a-f]{2})*$/.test(text)) {
    throw new RangeError('not hex');
  }
  return Uint8Array.from(text.match(/../g) ?? [], pair => parseInt(pair, 16));
}

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  // A call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}

/** @throws RangeError, when the text is not base64 with padding. */
export function fromBase64(text: string): Bytes {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new RangeError('not base64');
  }
  return Uint8Array.from(atob(text), char => char.charCodeAt(0));
}

/** @throws RangeError, when the text is not base64url without padding. */
export function fromBase64Url(text: string): Bytes {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) {
    throw new RangeError('not base64url');
  }
  const plain = text.replace(/-/g, '+').replace(/_/g, '/');
  return fromBase64(plain + '='.repeat((4 - (plain.length % 4)) % 4));
}

export function u32(number: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

export function u64(number: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

/** Reads big-endian fields one behind the other. Every method throws RangeError at the end. */
export class Reader {
  constructor(private readonly _bytes: Uint8Array<ArrayBuffer>) {
    this._view = new DataView(_bytes.buffer, _bytes.byteOffset, _bytes.byteLength);
  }

  get left(): number {
    return this._bytes.length - this._at;
  }

  u8(): number {
    return this._view.getUint8(this._advance(1));
  }

  u32(): number {
    return this._view.getUint32(this._advance(4));
  }

  /** A length or a count: more than a number can hold exactly is more than there can be. */
  u64(): number {
    const number = this._view.getBigUint64(this._advance(8));
    if (number > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new RangeError('the number is too large');
    }
    return Number(number);
  }

  take(length: number): Bytes {
    const at = this._advance(length);
    return this._bytes.subarray(at, at + length);
  }

  private _advance(length: number): number {
    if (length > this.left) {
      throw new RangeError('cut off');
    }
    const at = this._at;
    this._at += length;
    return at;
  }

  private readonly _view: DataView;
  private _at = 0;
}
