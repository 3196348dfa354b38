import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FocusGuard } from '../focusguard';

let frame: HTMLIFrameElement;
let field: HTMLInputElement;
let onThief: ReturnType<typeof vi.fn<() => void>>;
let guard: FocusGuard;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  document.body.innerHTML = '<input><iframe tabindex="0"></iframe>';
  field = document.querySelector('input')!;
  frame = document.querySelector('iframe')!;
  onThief = vi.fn<() => void>();
  guard = new FocusGuard(frame, onThief);
  field.focus();
});

afterEach(() => {
  guard.dispose();
  vi.useRealTimers();
});

const press = (key: string) =>
  field.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
const point = (kind: string) => frame.dispatchEvent(new Event(kind));

/** The frame takes the focus, and the guard looks. */
function take(): Element | null {
  frame.focus();
  vi.advanceTimersByTime(100);
  return document.activeElement;
}

describe('FocusGuard', () => {
  it('gives the focus back to where it was', () => {
    expect(take()).toBe(field);
    expect(onThief).not.toHaveBeenCalled();
  });

  it('leaves it to a frame that a person points at or tabs to', () => {
    point('pointerenter');
    expect(take()).toBe(frame);
    point('pointerleave');
    field.focus();
    vi.advanceTimersByTime(100);
    expect(take()).toBe(field);
    press('Tab');
    expect(take()).toBe(frame);
  });

  it('gives it back too when the frame takes it at once after a person has left the frame', () => {
    point('pointerenter');
    expect(take()).toBe(frame);
    point('pointerleave');
    vi.advanceTimersByTime(1000);
    field.focus();
    expect(take()).toBe(field);
  });

  it('takes somebody who types for one who does not mean the frame below the pointer', () => {
    point('pointerenter');
    press('a');
    expect(take()).toBe(field);
    vi.advanceTimersByTime(2000);
    expect(take()).toBe(frame);
  });

  it('counts a theft once where there is nothing to give the focus back to', () => {
    guard.dispose();
    field.blur();
    guard = new FocusGuard(frame, onThief);
    expect(take()).toBe(document.body);
    vi.advanceTimersByTime(1000);
    expect(onThief).not.toHaveBeenCalled();
  });

  it('tells of a frame that takes it again and again, and not of one that did so now and then', () => {
    for (let count = 0; count < 20; count++) {
      take();
      vi.advanceTimersByTime(31_000);
    }
    expect(onThief).not.toHaveBeenCalled();
    for (let count = 0; count < 5; count++) {
      take();
    }
    expect(onThief).toHaveBeenCalledOnce();
  });

  it('looks no more once it is disposed', () => {
    guard.dispose();
    expect(take()).toBe(frame);
  });
});
