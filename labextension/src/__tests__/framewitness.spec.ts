import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FrameWitness } from '../framewitness';
import { WITNESS } from '../viewerprotocol';

let witness: FrameWitness;

beforeEach(() => {
  vi.useFakeTimers();
  witness = new FrameWitness(document.createElement('iframe'));
});

afterEach(() => {
  vi.useRealTimers();
});

/** The outer page reports a press: by itself, or in an answer. */
function report(id = 0): void {
  witness.take({ type: WITNESS, id, press: true, isActive: true, hasBeenActive: true });
}

it('takes a press that is still held for the same one', () => {
  report();
  const began = witness.pressBeganAt;
  for (let id = 1; id < 20; id++) {
    vi.advanceTimersByTime(100);
    report(id);
    expect(witness.isPressed).toBe(true);
  }
  expect(witness.pressBeganAt).toBe(began);
});

it('takes a report that follows an answer about the same press for the same one', () => {
  report(1);
  const began = witness.pressBeganAt;
  vi.advanceTimersByTime(20);
  report();
  expect(witness.pressBeganAt).toBe(began);
});

it('tells each press that a browser reports by itself from the one before', () => {
  report();
  vi.advanceTimersByTime(200);
  report();
  expect(witness.pressBeganAt).toBe(performance.now());
  vi.advanceTimersByTime(200);
  report(1);
  expect(witness.pressBeganAt).toBe(performance.now() - 200);
});

it('takes what an answer tells for a new press where nothing was held before', () => {
  report(1);
  vi.advanceTimersByTime(600);
  expect(witness.isPressed).toBe(false);
  report(2);
  expect(witness.pressBeganAt).toBe(performance.now());
});
