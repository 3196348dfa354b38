import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FocusGuard } from '../focusguard';
import { FrameWitness } from '../framewitness';
import { IFrameReport, WITNESS, WitnessRequest } from '../viewerprotocol';

const QUIET: IFrameReport = {
  type: WITNESS,
  id: 0,
  press: false,
  isActive: false,
  hasBeenActive: false
};
const PRESSED: IFrameReport = { ...QUIET, press: true, isActive: true, hasBeenActive: true };
/** As a key in the frame shows: active, and no pointer was pressed. */
const KEYED: IFrameReport = { ...PRESSED, press: false };

let frame: HTMLIFrameElement;
let field: HTMLInputElement;
let button: HTMLButtonElement;
let witness: FrameWitness;
let onThief: ReturnType<typeof vi.fn<() => void>>;
let onFocus: ReturnType<typeof vi.fn<() => void>>;
let guard: FocusGuard;
/** What the outer page answers; null while it does not. */
let answer: IFrameReport | null;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'performance']
  });
  document.body.innerHTML = '<input><button></button><iframe tabindex="0"></iframe>';
  field = document.querySelector('input')!;
  button = document.querySelector('button')!;
  frame = document.querySelector('iframe')!;
  Object.defineProperty(frame, 'contentWindow', {
    value: {
      postMessage: (request: WitnessRequest) =>
        'id' in request
          ? setTimeout(() => answer && witness.take({ ...answer, id: request.id }), 5)
          : onFocus()
    }
  });
  answer = QUIET;
  onThief = vi.fn<() => void>();
  onFocus = vi.fn<() => void>();
  witness = new FrameWitness(frame);
  guard = new FocusGuard(frame, witness, onThief);
  button.focus();
});

afterEach(() => {
  guard.dispose();
  vi.useRealTimers();
});

const press = (key: string, node: HTMLElement = field) =>
  node.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));

/** The frame takes the focus, and everything that follows from it happens. */
async function take(ms = 100): Promise<Element | null> {
  frame.focus();
  window.dispatchEvent(new Event('blur'));
  await vi.advanceTimersByTimeAsync(ms);
  return document.activeElement;
}

describe('FocusGuard', () => {
  it('gives the focus back to where it was, and stops a frame that takes it while nobody types only when it goes on', async () => {
    for (let count = 0; count < 4; count++) {
      expect(await take()).toBe(button);
      expect(onThief).not.toHaveBeenCalled();
    }
    await take();
    expect(onThief).toHaveBeenCalledOnce();
  });

  it('forgets a frame that took it now and then', async () => {
    for (let count = 0; count < 20; count++) {
      await take();
      await vi.advanceTimersByTimeAsync(31_000);
    }
    expect(onThief).not.toHaveBeenCalled();
  });

  it('stops it at the first time while somebody types', async () => {
    field.focus();
    press('a');
    expect(await take(0)).toBe(field);
    await vi.advanceTimersByTimeAsync(10);
    expect(onThief).toHaveBeenCalledOnce();
  });

  it('takes a pause in a field for text for typing', async () => {
    field.focus();
    press('a');
    await vi.advanceTimersByTimeAsync(4000);
    await take();
    expect(onThief).toHaveBeenCalledOnce();
  });

  it('stops it when a key has arrived in it, also where nobody typed before', async () => {
    answer = KEYED;
    await take(1000);
    expect(onThief).toHaveBeenCalledOnce();
  });

  it('leaves the focus to a frame in which a pointer is pressed', async () => {
    answer = PRESSED;
    expect(await take(1000)).toBe(frame);
    expect(onThief).not.toHaveBeenCalled();
  });

  it('hands it over again after a press that came right after a key', async () => {
    field.focus();
    press('a');
    answer = PRESSED;
    expect(await take(1000)).toBe(frame);
    expect(onFocus).toHaveBeenCalledOnce();
    expect(onThief).not.toHaveBeenCalled();
  });

  it('waits a moment for the report of a press that is over', async () => {
    answer = KEYED;
    await take(20);
    witness.take(PRESSED);
    await vi.advanceTimersByTimeAsync(1000);
    expect(document.activeElement).toBe(frame);
    expect(onThief).not.toHaveBeenCalled();
  });

  it('does not take the press of long ago for the reason', async () => {
    witness.take(PRESSED);
    await vi.advanceTimersByTimeAsync(3000);
    field.focus();
    press('a');
    answer = KEYED;
    await take();
    expect(onThief).toHaveBeenCalledOnce();
  });

  it('gives it back at once where the frame does not answer, and stops it when it takes it again', async () => {
    answer = null;
    field.focus();
    press('a');
    expect(await take(0)).toBe(field);
    expect(onThief).not.toHaveBeenCalled();
    await take(0);
    expect(onThief).toHaveBeenCalledOnce();
  });

  it('leaves it to a frame that a person tabs to', async () => {
    press('Tab');
    expect(await take(1000)).toBe(frame);
    expect(onThief).not.toHaveBeenCalled();
  });

  it('does not believe a Tab that was for something else', async () => {
    field.focus();
    field.addEventListener('keydown', event => event.preventDefault());
    press('Tab');
    expect(await take(0)).toBe(frame);
    await vi.advanceTimersByTimeAsync(100);
    expect(document.activeElement).toBe(field);
    // Nor one that went to another field of the page.
    press('Tab', button);
    field.blur();
    field.focus();
    await take(0);
    await vi.advanceTimersByTimeAsync(100);
    expect(document.activeElement).toBe(field);
  });

  it('counts a theft once where there is nothing to give the focus back to', async () => {
    button.blur();
    expect(await take()).toBe(document.body.querySelector('button'));
    button.remove();
    expect(await take()).toBe(document.body);
    await vi.advanceTimersByTimeAsync(1000);
    expect(onThief).not.toHaveBeenCalled();
  });

  it('calls the frame used after a press or a key in it, and not after a theft', async () => {
    const isUsed = async (now = false) => {
      const asked = guard.isUsed(now);
      await vi.advanceTimersByTimeAsync(3000);
      return asked;
    };
    expect(await isUsed()).toBe(false);
    answer = { ...KEYED, isActive: false };
    expect(await isUsed()).toBe(true);
    expect(await isUsed(true)).toBe(false);
    await take();
    expect(await isUsed()).toBe(false);
    answer = PRESSED;
    await take();
    expect(await isUsed(true)).toBe(true);
    answer = null;
    expect(await isUsed()).toBe(false);
  });

  it('hears of the focus later than of the click that brought it, and loses no input', async () => {
    answer = PRESSED;
    const asked = guard.isUsed(false);
    await vi.advanceTimersByTimeAsync(3);
    await take(3000);
    expect(await asked).toBe(true);
  });

  it('does not call a frame used that takes the focus while it is asked', async () => {
    answer = KEYED;
    const asked = guard.isUsed(false);
    await vi.advanceTimersByTimeAsync(3);
    await take(3000);
    expect(await asked).toBe(false);
  });

  it('looks no more once it is disposed', async () => {
    guard.dispose();
    expect(await take()).toBe(frame);
  });
});

describe('FrameWitness', () => {
  it('waits for a press no longer than it was asked to, and keeps nothing of it', async () => {
    const [missed, seen] = [witness.press(50), witness.press(500)];
    await vi.advanceTimersByTimeAsync(100);
    expect(await missed).toBe(false);
    witness.take(PRESSED);
    expect(await seen).toBe(true);
    expect(await witness.press(50)).toBe(true);
    guard.dispose();
    expect(vi.getTimerCount()).toBe(0);
  });
});
