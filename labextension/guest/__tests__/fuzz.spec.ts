import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { expect, it } from 'vitest';
import { type Bytes, fromHex, utf8 } from '../../wire/bytes';
import { readCanonical, readText } from '../../wire/envelope';
import { WireError } from '../../wire/errors';
import { Assembler, readCredit, readParts } from '../../wire/frames';

const FRAMES = 100_000;

// eslint-disable-next-line @typescript-eslint/no-explicit-any
function vectors(name: string): any {
  return JSON.parse(readFileSync(resolve(process.cwd(), `../tests/vectors/${name}.json`), 'utf8'));
}

/** Numbers that look random and are the same in each run (xorshift32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function changed(source: Bytes, next: (below: number) => number): Bytes {
  const bytes = source.slice(0, next(4) ? source.length : next(source.length + 1));
  for (let count = next(6); count > 0 && bytes.length; count -= 1) {
    bytes[next(bytes.length)] = next(256);
  }
  return bytes;
}

it('reads whatever comes, or refuses it with a code', () => {
  const { frames, handshake } = { frames: vectors('frames'), handshake: vectors('handshake') };
  const inner: Bytes[] = ['envelope', 'envelope_with_buffers', 'batch'].map(name =>
    fromHex(frames[name])
  );
  const texts: Bytes[] = [handshake.sealed.hello_ack, handshake.sealed.hello].map(utf8);
  const next = numbers(20_261_129);
  const decoder = new TextDecoder();
  const readers: ((bytes: Bytes) => unknown)[] = [
    bytes => readParts(bytes).parts.map(part => readCanonical(part.canonical)),
    bytes => new Assembler(1 << 20).add(bytes),
    bytes => readCredit(bytes),
    bytes => readText(decoder.decode(bytes))
  ];
  let refused = 0;
  for (let count = 0; count < FRAMES; count += 1) {
    const reader = next(readers.length);
    const sources = reader === readers.length - 1 ? texts : inner;
    const bytes = changed(sources[next(sources.length)], next);
    try {
      readers[reader](bytes);
    } catch (error) {
      if (!(error instanceof WireError)) {
        throw error;
      }
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(FRAMES / 10);
}, 120_000);
