import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ControlSocket } from '../control';
import { FakeSocket, serverSettings } from './fakes';

let control: ControlSocket;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  control = new ControlSocket(serverSettings());
});

afterEach(() => {
  control.dispose();
  vi.useRealTimers();
});

describe('ControlSocket', () => {
  it('opens below the base url with the token', () => {
    expect(FakeSocket.last.url).toBe(
      'ws://127.0.0.1:8888/user/ada/jupyter-peer/ws?token=se%20cret'
    );
  });

  it('resolves each request with its own result', async () => {
    FakeSocket.last.accept();
    const first = control.request('identity');
    const second = control.request('peers', { a: 1 });
    const [one, two] = FakeSocket.last.sent;
    expect(two).toEqual({ id: two.id, op: 'peers', params: { a: 1 } });
    FakeSocket.last.say({ id: two.id, result: 'two' });
    FakeSocket.last.say({ id: one.id, result: 'one' });
    expect(await Promise.all([first, second])).toEqual(['one', 'two']);
  });

  it('passes progress on until the result', async () => {
    FakeSocket.last.accept();
    const steps: unknown[] = [];
    const answer = control.request('pair', {}, step => steps.push(step));
    const { id } = FakeSocket.last.sent[0];
    FakeSocket.last.say({ id, progress: { step: 'dial' } });
    FakeSocket.last.say({ id, progress: { step: 'hello' } });
    FakeSocket.last.say({ id, result: {} });
    await answer;
    expect(steps).toEqual([{ step: 'dial' }, { step: 'hello' }]);
  });

  it('rejects with the error of the server', async () => {
    FakeSocket.last.accept();
    const answer = control.request('pair');
    const error = { code: 'invite_expired', message: 'too late', hint: 'ask again' };
    FakeSocket.last.say({ id: FakeSocket.last.sent[0].id, error });
    await expect(answer).rejects.toMatchObject(error);
  });

  it('emits what the server says unasked', () => {
    const events: unknown[] = [];
    control.eventReceived.connect((_, event) => events.push(event));
    FakeSocket.last.accept();
    FakeSocket.last.say({ event: 'peers', data: { peers: [] } });
    expect(events).toEqual([{ event: 'peers', data: { peers: [] } }]);
  });

  it('ignores frames it cannot use', () => {
    FakeSocket.last.accept();
    for (const frame of [
      '',
      '[',
      'null',
      '7',
      '{}',
      '{"id":99,"result":1}',
      '{"id":99,"progress":1}'
    ]) {
      FakeSocket.last.say(frame);
    }
    FakeSocket.last.onmessage?.({ data: new ArrayBuffer(8) });
    expect(control.state).toBe('open');
  });

  it('rejects what is under way when the connection breaks, and new requests until it is back', async () => {
    FakeSocket.last.accept();
    const answer = control.request('pair');
    FakeSocket.last.fail();
    await expect(answer).rejects.toMatchObject({ code: 'link_closed' });
    await expect(control.request('peers')).rejects.toMatchObject({ code: 'link_closed' });
  });

  it('cancels at the server what is no longer wanted, and that alone', async () => {
    FakeSocket.last.accept();
    const stop = new AbortController();
    const steps: unknown[] = [];
    const answer = control.request('ask', {}, step => steps.push(step), stop.signal);
    const other = control.request('peers');
    const [{ id }, { id: otherId }] = FakeSocket.last.sent;
    stop.abort();
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    expect(FakeSocket.last.sent[2]).toEqual({ op: 'cancel', params: { request: id } });
    FakeSocket.last.say({ id, progress: 1 });
    FakeSocket.last.say({ id: otherId, result: { peers: [] } });
    await expect(other).resolves.toEqual({ peers: [] });
    expect(steps).toEqual([]);
  });

  it('cancels nothing that is over', async () => {
    FakeSocket.last.accept();
    const stop = new AbortController();
    const answer = control.request('ask', {}, undefined, stop.signal);
    FakeSocket.last.say({ id: FakeSocket.last.sent[0].id, result: 1 });
    await answer;
    stop.abort();
    expect(FakeSocket.last.sent).toHaveLength(1);
  });

  it('tries again after growing delays, up to half a minute', () => {
    const delays: number[] = [];
    for (let tries = 0; tries < 9; tries++) {
      FakeSocket.last.fail();
      delays.push(control.retryAt! - Date.now());
      const before = FakeSocket.all.length;
      vi.advanceTimersByTime(delays[tries] - 1);
      expect(FakeSocket.all.length).toBe(before);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.all.length).toBe(before + 1);
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('does not take a server that accepts and hangs up for one that is back', () => {
    for (const delay of [500, 1000, 2000]) {
      FakeSocket.last.accept();
      FakeSocket.last.fail();
      expect(control.retryAt! - Date.now()).toBe(delay);
      vi.advanceTimersByTime(delay);
    }
    FakeSocket.last.accept();
    FakeSocket.last.say({ event: 'peers', data: {} });
    FakeSocket.last.fail();
    expect(control.retryAt! - Date.now()).toBe(500);
  });

  it('tries at once when the network is back or a person asks, and never twice at a time', () => {
    FakeSocket.last.fail();
    window.dispatchEvent(new Event('online'));
    expect(FakeSocket.all.length).toBe(2);
    expect(control.retryAt).toBeNull();
    control.reconnect();
    expect(FakeSocket.all.length).toBe(2);
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all.length).toBe(2);
  });

  it('says every change of its state', () => {
    const states: string[] = [];
    control.stateChanged.connect((_, state) => states.push(state));
    FakeSocket.last.accept();
    FakeSocket.last.fail();
    vi.advanceTimersByTime(500);
    FakeSocket.last.accept();
    control.dispose();
    expect(states).toEqual(['open', 'connecting', 'open', 'closed']);
  });

  it('stays closed once disposed', async () => {
    FakeSocket.last.accept();
    const answer = control.request('pair');
    control.dispose();
    control.dispose();
    await expect(answer).rejects.toMatchObject({ code: 'link_closed' });
    expect(FakeSocket.last.closed).toBe(true);
    control.reconnect();
    window.dispatchEvent(new Event('online'));
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all.length).toBe(1);
  });
});

describe('binary frames', () => {
  const bytes = new TextEncoder();

  /** A binary frame as `wire/control.py` writes it. */
  function binary(header: object, ...buffers: string[]): ArrayBuffer {
    const head = bytes.encode(JSON.stringify(header));
    const parts = buffers.map(text => bytes.encode(text));
    const all = new Uint8Array(4 + head.length + parts.reduce((sum, part) => sum + part.length, 0));
    new DataView(all.buffer).setUint32(0, head.length);
    all.set(head, 4);
    let at = 4 + head.length;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all.buffer;
  }

  it('have their long strings beside them', () => {
    const events: unknown[] = [];
    control.eventReceived.connect((_, event) => events.push(event));
    FakeSocket.last.accept();
    const data = {
      text: { $buffer: 'a' },
      list: [{ $buffer: 'b' }, 1, null],
      literal: { $object: { $buffer: 'c' } }
    };
    const header = { event: 'pane', data, buffers: ['a', 'b'], lengths: [5, 3] };
    FakeSocket.last.say(binary(header, 'größ', 'abc').slice(0));
    expect(events).toEqual([]);
    header.lengths = [6, 3];
    FakeSocket.last.say(binary(header, 'größ', 'abc'));
    expect(events).toEqual([
      {
        event: 'pane',
        data: { text: 'größ', list: ['abc', 1, null], literal: { $buffer: 'c' } }
      }
    ]);
  });

  it('that are broken, cut off or nested without end are ignored', () => {
    const events: unknown[] = [];
    control.eventReceived.connect((_, event) => events.push(event));
    FakeSocket.last.accept();
    let deep: unknown = 1;
    for (let level = 0; level < 1000; level++) {
      deep = [deep];
    }
    const missing = { event: 'x', data: { $buffer: 'nowhere' } };
    for (const frame of [
      new ArrayBuffer(0),
      new ArrayBuffer(3),
      binary({ event: 'x', data: 1 }).slice(0, 9),
      binary(missing),
      binary({ event: 'x', data: 1, buffers: ['a'], lengths: [9] }, 'abc'),
      binary({ event: 'x', data: deep })
    ]) {
      FakeSocket.last.say(frame);
    }
    expect(events).toEqual([]);
  });
});
