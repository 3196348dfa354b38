/** Envelopes: SPEC section 2. */

import { type Bytes, fromLatin1, toHex, utf8 } from './bytes';
import { canonical, Digits, type Json, type JsonObject, parse } from './json';
import { WireError } from './errors';

export interface IEnvelope {
  type: string;
  msg_id: string;
  re: string | null;
  src: string;
  data: JsonObject;
}

const NODE_ID = /^[a-z2-7]{16}$/;
const MSG_ID = /^[0-9a-f]{32}$/;
const TYPE = /^[a-z][a-z0-9_.-]{0,63}$/;
const SIGNED = ['data', 'msg_id', 're', 'src', 'ts', 'type', 'v'] as const;

export function newMessageId(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

/** Return the bytes that the signature of an envelope covers. */
export function canonicalBytes(envelope: IEnvelope & { ts: number }): Bytes {
  return utf8(canonical({ ...envelope, v: 1 } as JsonObject));
}

/**
 * Read an envelope from its canonical bytes, whose signature was verified.
 *
 * @throws WireError, `malformed`, also when they are another form of an envelope.
 */
export function readCanonical(bytes: Bytes): IEnvelope {
  // Latin 1, since canonical bytes are ASCII and any other byte must not be read as anything else.
  const text = fromLatin1(bytes);
  const fields = parsed(text, true);
  if (Object.keys(fields).join() !== SIGNED.join()) {
    throw new WireError('malformed', 'the envelope is not in its canonical form');
  }
  return checked(fields);
}

/**
 * Read an envelope in plain text (SPEC section 2.1); return also what its signature covers.
 *
 * @throws WireError, `malformed`.
 */
export function readText(text: string): { envelope: IEnvelope; signed: Bytes; sig: string } {
  const fields = parsed(text);
  if (typeof fields.sig !== 'string') {
    throw new WireError('malformed', 'the envelope has no signature');
  }
  const envelope = checked(fields);
  const signed = Object.fromEntries(SIGNED.map(name => [name, fields[name] ?? null]));
  return { envelope, signed: utf8(canonical(signed)), sig: fields.sig };
}

function parsed(text: string, isCanonical = false): JsonObject {
  let value: Json;
  try {
    value = parse(text, isCanonical);
  } catch {
    const form = isCanonical ? 'JSON in its canonical form' : 'JSON';
    throw new WireError('malformed', `the envelope is not ${form}`);
  }
  if (!isObject(value)) {
    throw new WireError('malformed', 'the envelope is not an object');
  }
  return value;
}

function checked(fields: JsonObject): IEnvelope {
  const { type, msg_id, re = null, src, data, v, ts } = fields;
  const isRight =
    v instanceof Digits &&
    v.text === '1' &&
    ts instanceof Digits &&
    Number.isFinite(Number(ts.text)) &&
    isText(type, TYPE) &&
    isText(msg_id, MSG_ID) &&
    (re === null || isText(re, MSG_ID)) &&
    isText(src, NODE_ID) &&
    isObject(data);
  if (!isRight) {
    throw new WireError('malformed', 'a field of the envelope is not as it should be');
  }
  return { type, msg_id, re, src, data } as IEnvelope;
}

const isText = (value: Json, pattern: RegExp): value is string =>
  typeof value === 'string' && pattern.test(value);

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Digits);
