import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ControlSocket } from '../control';
import { OwnerPulse } from '../ownerpulse';
import { FakeSocket, serverSettings } from './fakes';

let control: ControlSocket;
let pulse: OwnerPulse;
let isWanted: boolean;
const onChange = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  onChange.mockClear();
  isWanted = true;
  control = new ControlSocket(serverSettings());
  FakeSocket.last.accept();
  pulse = new OwnerPulse(control, 'bobbobbobbobbob2', () => isWanted, onChange);
});

afterEach(() => {
  pulse.dispose();
  control.dispose();
  vi.useRealTimers();
});

async function answer(): Promise<void> {
  FakeSocket.last.answer({ ping: { rtt_ms: 1 } });
  await vi.advanceTimersByTimeAsync(0);
}

describe('the pulse of an owner', () => {
  it('is there while every question is answered', async () => {
    for (let n = 0; n < 4; n++) {
      await vi.advanceTimersByTimeAsync(3000);
      await answer();
    }
    expect(onChange).not.toHaveBeenCalled();
  });

  it('is silent three seconds after a question, and there again with the answer', async () => {
    await vi.advanceTimersByTimeAsync(5900);
    expect(pulse.isSilent).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(pulse.isSilent).toBe(true);
    await answer();
    expect(pulse.isSilent).toBe(false);
    expect(onChange).toHaveBeenCalledTimes(2);
  });

  it('asks nothing while nobody looks', async () => {
    isWanted = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(FakeSocket.last.sent).toEqual([]);
  });

  it('asks one question at a time', async () => {
    await vi.advanceTimersByTimeAsync(20_000);
    expect(FakeSocket.last.sent.length).toBe(1);
  });
});
