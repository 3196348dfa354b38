/**
 * JSON whose numbers keep their digits, and the canonical form of SPEC section 2.
 *
 * `JSON.parse` turns 1.0 into 1 and rounds what has more than 17 digits; a signature covers the
 * digits that were written. So a number is read as `Digits`, and written as it was read.
 */

/** A number as it was written. */
export class Digits {
  constructor(readonly text: string) {}

  valueOf(): number {
    return Number(this.text);
  }
}

export type Json = null | boolean | string | number | Digits | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

const MAX_DEPTH = 64;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// eslint-disable-next-line no-control-regex
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t'
};

/**
 * Parse JSON, bounded in depth.
 *
 * @param isCanonical - Accept only the form in which SPEC section 2 writes it, whatever the order of the keys:
 *     no white space, one form of each number and string, no key twice.
 *
 * @throws SyntaxError, when the text is not JSON, not of that form, or nested deeper than 64.
 */
export function parse(text: string, isCanonical = false): Json {
  let at = 0;

  function fail(): never {
    throw new SyntaxError(`no JSON at ${at}`);
  }

  function skip(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  }

  function space(): void {
    if (!isCanonical) {
      skip(SPACE);
    }
  }

  function expect(word: string): void {
    if (!text.startsWith(word, at)) {
      fail();
    }
    at += word.length;
  }

  function string(): string {
    const start = at;
    expect('"');
    let whole = '';
    for (;;) {
      whole += skip(PLAIN);
      const char = text[at++];
      if (char === '"') {
        return isCanonical && stringText(whole) !== text.slice(start, at) ? fail() : whole;
      }
      if (char !== '\\') {
        fail();
      }
      const kind = text[at++];
      if (kind === 'u') {
        const code = text.slice(at, at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(code)) {
          fail();
        }
        at += 4;
        whole += String.fromCharCode(parseInt(code, 16));
      } else {
        whole += ESCAPES[kind] ?? fail();
      }
    }
  }

  function members(end: string, member: () => void): void {
    at += 1;
    space();
    if (text[at] === end) {
      at += 1;
      return;
    }
    for (;;) {
      member();
      space();
      const char = text[at++];
      if (char === end) {
        return;
      }
      if (char !== ',') {
        fail();
      }
    }
  }

  function value(depth: number): Json {
    if (depth > MAX_DEPTH) {
      fail();
    }
    space();
    switch (text[at]) {
      case '{': {
        // No prototype: a key such as `__proto__` is a key like any other.
        const object = Object.create(null) as JsonObject;
        members('}', () => {
          space();
          const key = string();
          if (isCanonical && key in object) {
            fail();
          }
          space();
          expect(':');
          object[key] = value(depth + 1);
        });
        return object;
      }
      case '[': {
        const array: Json[] = [];
        members(']', () => {
          array.push(value(depth + 1));
        });
        return array;
      }
      case '"':
        return string();
      case 't':
        expect('true');
        return true;
      case 'f':
        expect('false');
        return false;
      case 'n':
        expect('null');
        return null;
      default: {
        const digits = skip(NUMBER);
        const isRead = digits && (!isCanonical || canonicalDigits(digits) === digits);
        return isRead ? new Digits(digits) : fail();
      }
    }
  }

  const whole = value(1);
  space();
  if (at !== text.length) {
    fail();
  }
  return whole;
}

/** Return what `JSON.parse` would have returned: numbers as numbers. */
export function plain(value: Json): unknown {
  if (value instanceof Digits) {
    return Number(value.text);
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([key, inner]) => [key, plain(inner)] as const);
    return Object.assign(Object.create(null), Object.fromEntries(entries)) as unknown;
  }
  return value;
}

const HIGH = /[\ud800-\uffff]/;

/** By code point, as Python sorts; JavaScript's own order is by UTF-16 unit. */
function byCodePoint(a: string, b: string): number {
  if (!HIGH.test(a) && !HIGH.test(b)) {
    return a < b ? -1 : 1;
  }
  const [as, bs] = [Array.from(a), Array.from(b)];
  for (let at = 0; at < Math.min(as.length, bs.length); at += 1) {
    const difference = (as[at].codePointAt(0) ?? 0) - (bs[at].codePointAt(0) ?? 0);
    if (difference) {
      return difference;
    }
  }
  return as.length - bs.length;
}

/** Write a number as Python's `repr` does: JavaScript has other limits for the exponent. */
export function numberText(number: number): string {
  if (!Number.isFinite(number)) {
    throw new RangeError('NaN and infinities do not exist on the wire');
  }
  if (number !== 0 && Math.abs(number) < 1e-4) {
    return number.toExponential().replace(/e-(\d)$/, 'e-0$1');
  }
  return Object.is(number, -0) ? '0' : String(number);
}

/** Write a float as Python's `repr` does. */
function floatText(number: number): string {
  if (number === 0) {
    return Object.is(number, -0) ? '-0.0' : '0.0';
  }
  const size = Math.abs(number);
  if (size < 1e-4 || size >= 1e16) {
    return number.toExponential().replace(/(e[+-])(\d)$/, (_, e, digit) => `${e}0${digit}`);
  }
  const text = String(number);
  return text.includes('.') ? text : `${text}.0`;
}

/** Return the one form in which a number is canonical. */
function canonicalDigits(text: string): string {
  if (/^-?[0-9]+$/.test(text)) {
    return text === '-0' ? '0' : text;
  }
  return floatText(Number(text));
}

/** Write everything but printable ASCII as `\u` escapes, which Python does as `ensure_ascii`. */
function stringText(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    char => '\\u' + char.charCodeAt(0).toString(16).padStart(4, '0')
  );
}

/**
 * Return the canonical form with sorted keys: no white space, ASCII (SPEC section 2).
 *
 * @throws RangeError, when a number is NaN or infinite.
 */
export function canonical(value: Json): string {
  if (value === null || typeof value === 'boolean') {
    return String(value);
  }
  if (typeof value === 'number') {
    return numberText(value);
  }
  if (typeof value === 'string') {
    return stringText(value);
  }
  if (value instanceof Digits) {
    return value.text;
  }
  if (Array.isArray(value)) {
    return `[${value.map(item => canonical(item)).join(',')}]`;
  }
  const keys = Object.keys(value).sort(byCodePoint);
  return `{${keys.map(key => `${stringText(key)}:${canonical(value[key])}`).join(',')}}`;
}
