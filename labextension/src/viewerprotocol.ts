/**
 * What a front end and the frame in which a pane is drawn say to each other.
 *
 * They share no memory and no origin, and everything that comes out of the frame may have been
 * said by a peer's script in it: `readFromFrame` lets through what is listed here and nothing else.
 */

import { IPaneStep } from './shapes';

/** Out of the frame by `window.postMessage`, once it can take a port. */
export const READY = 'jupyter-peer:ready';
/** From the outer page into the content: take the focus, where it was. */
export const FOCUS = 'jupyter-peer:focus';
/** Into the frame, with the port over which everything else goes. */
export const PORT = 'jupyter-peer:port';

/** From the outer page, which runs no script of a peer. */
export const WITNESS = 'jupyter-peer:witness';

/** A report of the outer page about the frame below it. */
export interface IFrameReport {
  type: typeof WITNESS;
  /** The request that this answers; 0 for a press that is reported by itself. */
  id: number;
  /** A pointer is or was pressed in the frame. */
  press: boolean;
  /** A press or a key in the frame within the last seconds. */
  isActive: boolean;
  /** A press or a key in the frame since it was loaded. */
  hasBeenActive: boolean;
}

/**
 * Asks the outer page to report now, or to put the focus into the content, where it was in there.
 *
 * Messages between windows reach a frame after the changes of the focus that came before them;
 * messages through a port may overtake these, and the content would believe it has the focus.
 */
export type WitnessRequest = { id: number } | { focus: true };

/** Code that the frame asks for when an output needs it; a file of the viewer's own server each. */
export const PARTS = [
  'widgets',
  'math',
  'plotly',
  'vega',
  'mermaid',
  'pdf',
  'code',
  'icons'
] as const;
export type Part = (typeof PARTS)[number];

/** Texts of the frame, in the language of the page around it. */
export type Words = Record<
  | 'blocked'
  | 'local'
  | 'cut'
  | 'left'
  | 'failed'
  | 'scriptError'
  | 'refused'
  | 'noRenderer'
  | 'noRendererAlone'
  | 'notDrawnAlone'
  | 'notDrawn'
  | 'noModule'
  | 'noWidgets'
  | 'readOnly'
  | 'widgetUnknown'
  | 'nothing'
  | 'invisible',
  string
>;

export type ToFrame =
  | { type: 'theme'; light: boolean; variables: Record<string, string> }
  | { type: 'step'; step: IPaneStep }
  | { type: 'ping'; n: number }
  | { type: 'grant'; interact: boolean }
  /** Show all of the pane as large as it fits into the frame. */
  | { type: 'fit'; on: boolean }
  /** Code that the frame asked for and cannot load itself; null when it cannot be had. */
  | { type: 'part'; part: Part; code: string | null }
  /** Code of widgets that the owner has installed, or with null why it cannot be had. */
  | { type: 'module'; name: string; code: string | null; why: string }
  | { type: 'answered'; id: string; error: string | null };

export type FromFrame =
  | { type: 'shown'; rev: number }
  | { type: 'height'; px: number }
  | { type: 'pong'; n: number }
  | { type: 'link'; url: string }
  /** Something was not loaded from this host. */
  | { type: 'blocked'; host: string }
  /** There is something to draw for which code is missing. */
  | { type: 'need'; part: Part }
  /** There is a widget to draw whose module is missing. */
  | { type: 'module'; name: string }
  | { type: 'input'; id: string; message: IInput };

/** An input of a person to a widget: a comm message for the owner's kernel. */
export interface IInput {
  msg_type: 'comm_msg';
  content: { comm_id: string; data: Record<string, unknown> };
  buffers: string[];
}

const MAX_URL = 2048;
const MAX_HEIGHT = 100_000;
/** The form of the wire; see `wire/payloads/widgets.py`. */
const MAX_INPUT = 4 * 1024 * 1024;
const MAX_BUFFERS = 1024;
const MAX_ID = 256;
const HOST = /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){1,8}$/;
/** The form of the wire: the name of a package, which cannot leave its folder. */
const MODULE = /^(@[A-Za-z0-9][\w.-]{0,63}\/)?[A-Za-z0-9][\w.-]{0,127}$/;

/** Return a message of the frame with nothing in it but what is known, null when it is none. */
export function readFromFrame(data: unknown): FromFrame | null {
  if (data === null || typeof data !== 'object') {
    return null;
  }
  const message = data as Record<string, unknown>;
  switch (message.type) {
    case 'shown':
      return isCount(message.rev) ? { type: 'shown', rev: message.rev } : null;
    case 'pong':
      return isCount(message.n) ? { type: 'pong', n: message.n } : null;
    case 'height': {
      const px = message.px;
      return typeof px === 'number' && px >= 0 && px <= MAX_HEIGHT ? { type: 'height', px } : null;
    }
    case 'link':
      return typeof message.url === 'string' && isWebAddress(message.url)
        ? { type: 'link', url: message.url }
        : null;
    case 'blocked': {
      const { host } = message;
      return typeof host === 'string' && HOST.test(host) ? { type: 'blocked', host } : null;
    }
    case 'need': {
      const part = PARTS.find(each => each === message.part);
      return part ? { type: 'need', part } : null;
    }
    case 'module': {
      const { name } = message;
      return typeof name === 'string' && MODULE.test(name) ? { type: 'module', name } : null;
    }
    case 'input': {
      const input = readInput(message.message);
      const isNamed = typeof message.id === 'string' && /^[\w-]{1,64}$/.test(message.id);
      return input && isNamed ? { type: 'input', id: message.id as string, message: input } : null;
    }
    default:
      return null;
  }
}

/** Plain JSON of bounded size and nothing else; the owner's side knows what a widget may be told. */
function readInput(value: unknown): IInput | null {
  try {
    const { content, buffers = [] } = value as { content: IInput['content']; buffers?: unknown[] };
    const { comm_id, data } = content;
    const isInput =
      typeof comm_id === 'string' &&
      comm_id.length > 0 &&
      comm_id.length <= MAX_ID &&
      (data.method === 'update' || data.method === 'custom') &&
      Array.isArray(buffers) &&
      buffers.length <= MAX_BUFFERS &&
      buffers.every(buffer => typeof buffer === 'string');
    const text = isInput ? JSON.stringify({ data, buffers }) : '';
    if (!isInput || text.length > MAX_INPUT) {
      return null;
    }
    const plain = JSON.parse(text) as Pick<IInput, 'buffers'> & { data: Record<string, unknown> };
    return {
      msg_type: 'comm_msg',
      content: { comm_id, data: plain.data },
      buffers: plain.buffers
    };
  } catch {
    return null;
  }
}

/** Return a report of the outer page, null when it is none. */
export function readReport(data: unknown): IFrameReport | null {
  const { type, id, press, isActive, hasBeenActive } = (data ?? {}) as Record<string, unknown>;
  const isReport =
    type === WITNESS &&
    isCount(id) &&
    [press, isActive, hasBeenActive].every(each => typeof each === 'boolean');
  return isReport ? (data as IFrameReport) : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether a link may be opened at all: http or https, whole, and not longer than can be read. */
export function isWebAddress(url: string): boolean {
  if (url.length > MAX_URL) {
    return false;
  }
  try {
    return ['http:', 'https:'].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}

/**
 * How much a frame may say: a bucket that fills at a steady rate.
 *
 * `take()` is false for a message too many; `isFlooded` once so many came that nothing but ending
 * the frame helps, since each costs the page something before it can be refused.
 */
export class Allowance {
  constructor(
    private readonly _now: () => number = () => performance.now(),
    private readonly _perSecond = 120,
    private readonly _burst = 240,
    private readonly _flood = 1000
  ) {
    this._left = _burst;
    this._at = _now();
  }

  get isFlooded(): boolean {
    return this._refused >= this._flood;
  }

  take(): boolean {
    const now = this._now();
    const grown = (Math.max(0, now - this._at) / 1000) * this._perSecond;
    this._left = Math.min(this._burst, this._left + grown);
    this._at = now;
    if (this._left < 1) {
      this._refused += 1;
      return false;
    }
    this._left -= 1;
    if (this._left > this._burst / 2) {
      this._refused = 0;
    }
    return true;
  }

  private _left: number;
  private _at: number;
  private _refused = 0;
}
