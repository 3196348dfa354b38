import { IFailure } from './shapes';

/** Frames of the server on the control socket; see `control/frames.py`. */
export interface IFrame {
  id?: number;
  result?: unknown;
  error?: Partial<IFailure>;
  progress?: unknown;
  event?: string;
  data?: unknown;
}

/** Deeper than this is nothing that a kernel shows, and recursion would not survive it. */
const MAX_DEPTH = 200;

/**
 * Read a frame, null when it is none.
 *
 * A text message is the JSON object itself. A binary one has its long strings beside it:
 * `u32 header length | JSON header | buffers`, where `{"$buffer": hash}` stands for a string and
 * `{"$object": {...}}` for an object that only looks like that.
 */
export function decodeFrame(data: unknown): IFrame | null {
  try {
    if (typeof data === 'string') {
      return asFrame(JSON.parse(data));
    }
    return data instanceof ArrayBuffer ? decodeBinary(data) : null;
  } catch {
    return null;
  }
}

function asFrame(value: unknown): IFrame | null {
  return value !== null && typeof value === 'object' ? (value as IFrame) : null;
}

function decodeBinary(data: ArrayBuffer): IFrame | null {
  let end = 4 + new DataView(data).getUint32(0);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const header = JSON.parse(decoder.decode(new Uint8Array(data, 4, end - 4)));
  const { buffers = [], lengths = [], ...frame } = header;
  const texts = new Map<string, string>();
  buffers.forEach((name: string, index: number) => {
    texts.set(name, decoder.decode(new Uint8Array(data, end, lengths[index])));
    end += lengths[index];
  });
  return asFrame(inlined(frame, texts, 0));
}

function inlined(value: unknown, texts: Map<string, string>, depth: number): unknown {
  if (depth > MAX_DEPTH) {
    throw new RangeError('nested too deeply');
  }
  if (Array.isArray(value)) {
    return value.map(item => inlined(item, texts, depth + 1));
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  let fields = value as Record<string, unknown>;
  const keys = Object.keys(fields);
  if (keys.length === 1 && keys[0] === '$buffer') {
    const text = texts.get(fields.$buffer as string);
    if (text === undefined) {
      throw new ReferenceError('a buffer is missing');
    }
    return text;
  }
  if (keys.length === 1 && keys[0] === '$object') {
    fields = fields.$object as Record<string, unknown>;
  }
  return Object.fromEntries(
    Object.entries(fields).map(([key, item]) => [key, inlined(item, texts, depth + 1)])
  );
}
