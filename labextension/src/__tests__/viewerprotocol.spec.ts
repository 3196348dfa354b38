import { describe, expect, it } from 'vitest';
import { Allowance, readFromFrame } from '../viewerprotocol';

describe('readFromFrame', () => {
  it('takes what is listed and drops whatever is beside it', () => {
    const more = { token: 'x', __proto__: { evil: 1 } };
    expect(readFromFrame({ type: 'shown', rev: 3, ...more })).toEqual({ type: 'shown', rev: 3 });
    expect(readFromFrame({ type: 'pong', n: 0 })).toEqual({ type: 'pong', n: 0 });
    expect(readFromFrame({ type: 'height', px: 40.5 })).toEqual({ type: 'height', px: 40.5 });
    expect(readFromFrame({ type: 'need', part: 'math' })).toEqual({ type: 'need', part: 'math' });
    const url = 'https://paper.example/x';
    expect(readFromFrame({ type: 'link', url })).toEqual({ type: 'link', url });
  });

  it.each([
    null,
    7,
    'shown',
    [],
    {},
    { type: 'open' },
    { type: 'need' },
    { type: 'need', part: '../api' },
    { type: 'need', part: 'constructor' },
    { type: 'shown' },
    { type: 'shown', rev: -1 },
    { type: 'shown', rev: 1.5 },
    { type: 'shown', rev: '1' },
    { type: 'height', px: NaN },
    { type: 'height', px: Infinity },
    { type: 'height', px: 1e9 },
    { type: 'height', px: -1 },
    { type: 'link', url: 'javascript:alert(1)' },
    { type: 'link', url: 'data:text/html,x' },
    { type: 'link', url: 'file:///etc/passwd' },
    { type: 'link', url: '/lab/api' },
    { type: 'link', url: `https://x.example/${'a'.repeat(3000)}` },
    { type: 'link', url: { toString: (): string => 'https://x.example' } }
  ])('refuses %o', message => {
    expect(readFromFrame(message)).toBeNull();
  });
});

describe('an input', () => {
  const input = (data: unknown, more = {}) =>
    readFromFrame({
      type: 'input',
      id: 'i1',
      message: { content: { comm_id: 'c', data }, ...more }
    });

  it('is taken as plain JSON', () => {
    const data = { method: 'update', state: { value: 3 } };
    expect(input({ ...data, extra: undefined })).toEqual({
      type: 'input',
      id: 'i1',
      message: { msg_type: 'comm_msg', content: { comm_id: 'c', data }, buffers: [] }
    });
    expect(input({ method: 'custom', content: 1 }, { buffers: ['AA=='] })).not.toBeNull();
  });

  it.each([
    [{ method: 'request_state' }],
    [{ method: 'update', state: { value: BigInt(1) } }],
    [{ method: 'update', state: { value: 'x'.repeat(5_000_000) } }],
    [null],
    ['update']
  ])('of another kind, or too large, is refused', data => {
    expect(input(data)).toBeNull();
  });

  it('is refused with an id or buffers that are none', () => {
    const good = { content: { comm_id: 'c', data: { method: 'custom' } } };
    expect(readFromFrame({ type: 'input', id: 'a b', message: good })).toBeNull();
    expect(readFromFrame({ type: 'input', id: 'a', message: null })).toBeNull();
    expect(
      readFromFrame({ type: 'input', id: 'a', message: { ...good, buffers: [1] } })
    ).toBeNull();
    const nameless = { content: { ...good.content, comm_id: '' } };
    expect(readFromFrame({ type: 'input', id: 'a', message: nameless })).toBeNull();
    const loop: Record<string, unknown> = { method: 'custom' };
    loop.self = loop;
    expect(input(loop)).toBeNull();
  });
});

describe('Allowance', () => {
  it('lets a burst through, then a steady rate, and calls what goes on a flood', () => {
    let now = 0;
    const allowance = new Allowance(() => now, 100, 200, 1000);
    const taken = (count: number) =>
      Array.from({ length: count }, () => allowance.take()).filter(Boolean).length;
    expect(taken(300)).toBe(200);
    now += 500;
    expect(taken(100)).toBe(50);
    expect(allowance.isFlooded).toBe(false);
    expect(taken(1000)).toBe(0);
    expect(allowance.isFlooded).toBe(true);
  });

  it('forgets a burst that is over', () => {
    let now = 0;
    const allowance = new Allowance(() => now, 100, 200, 1000);
    for (let second = 0; second < 20; second++) {
      for (let count = 0; count < 300; count++) {
        allowance.take();
      }
      now += 3000;
    }
    expect(allowance.isFlooded).toBe(false);
  });
});
