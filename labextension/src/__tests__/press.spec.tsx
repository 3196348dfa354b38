import { Signal } from '@lumino/signaling';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { useFollowed } from '../context';

const source = { bars: ['offer'] };
const changed = new Signal<unknown, void>(source);
const allow = vi.fn();

function Bars(): React.ReactElement {
  const bars = useFollowed(changed, () => source.bars);
  return (
    <>
      {bars.map(bar => (
        <button key={bar} onClick={() => allow(bar)}>
          {bar}
        </button>
      ))}
    </>
  );
}

const shown = () => screen.queryAllByRole('button').map(button => button.textContent);

async function set(...bars: string[]): Promise<void> {
  source.bars = bars;
  await act(async () => changed.emit());
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  source.bars = ['offer'];
  allow.mockClear();
  render(<Bars />);
});

afterEach(async () => {
  fireEvent.pointerUp(document.body);
  await act(() => vi.runAllTimersAsync());
  vi.useRealTimers();
  cleanup();
});

it('draws nothing under a pointer that is pressed, so that the button below gets its click', async () => {
  const button = screen.getByRole('button', { name: 'offer' });
  fireEvent.pointerDown(button);
  await set('link', 'other');
  expect(shown()).toEqual(['offer']);
  fireEvent.pointerUp(button);
  fireEvent.click(button);
  expect(allow).toHaveBeenCalledWith('offer');
  await act(() => vi.runAllTimersAsync());
  expect(shown()).toEqual(['link', 'other']);
  await set('offer');
  expect(shown()).toEqual(['offer']);
});

it('holds nothing for longer than a second, whatever became of the press', async () => {
  fireEvent.pointerDown(document.body);
  await set('link');
  await act(() => vi.advanceTimersByTimeAsync(500));
  expect(shown()).toEqual(['offer']);
  await act(() => vi.advanceTimersByTimeAsync(600));
  expect(shown()).toEqual(['link']);
});
