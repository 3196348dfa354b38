import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HistoryGuard } from '../historyguard';

/** Entries of the tab, and those of the page itself. */
let all = 3;
let own = 3;
let onFill: ReturnType<typeof vi.fn<() => void>>;
let guard: HistoryGuard;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  vi.spyOn(history, 'length', 'get').mockImplementation(() => all);
  vi.stubGlobal('navigation', { entries: () => new Array(own) });
  all = own = 3;
  onFill = vi.fn<() => void>();
  guard = new HistoryGuard(onFill);
});

afterEach(() => {
  guard.dispose();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('HistoryGuard', () => {
  it('reports a frame that adds many entries in a short while, once', () => {
    all += 7;
    vi.advanceTimersByTime(1000);
    expect(onFill).not.toHaveBeenCalled();
    all += 1;
    vi.advanceTimersByTime(1000);
    all += 20;
    vi.advanceTimersByTime(1000);
    expect(onFill).toHaveBeenCalledOnce();
  });

  it('lets a person click through the pages of another frame', () => {
    for (let count = 0; count < 30; count++) {
      all += 1;
      vi.advanceTimersByTime(2000);
    }
    expect(onFill).not.toHaveBeenCalled();
  });

  it('does not count entries of the page itself', () => {
    all += 40;
    own += 40;
    vi.advanceTimersByTime(1000);
    expect(onFill).not.toHaveBeenCalled();
  });
});
