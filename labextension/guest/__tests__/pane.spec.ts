import { beforeEach, describe, expect, it, vi } from 'vitest';
import { WireError } from '../../wire/errors';
import { Pane } from '../pane';
import { type IOwnersMessage, type Session } from '../session';

const EPOCH = '0'.repeat(16);
const OFFER = { pane: 'loss', title: 'Loss', grant: 'view' };
const WHOLE = { pane: 'loss', epoch: EPOCH, rev: 1, outputs: [], title: 'Loss', grant: 'view' };

let asked: [string, Record<string, unknown>][];
let said: string[];
let steps: number[];
let answer: () => Promise<IOwnersMessage>;
let pane: Pane;

const update = (rev: number, prev = rev - 1) => ({
  type: 'pane_update',
  data: { pane: 'loss', epoch: EPOCH, rev, prev, messages: [{ msg_type: 'stream' }] }
});
const settle = () => new Promise(resolve => setTimeout(resolve));

beforeEach(async () => {
  [asked, said, steps] = [[], [], []];
  answer = () => Promise.resolve({ type: 'pane_snapshot', data: WHOLE });
  const session = {
    ask: (type: string, data: Record<string, unknown>) => {
      asked.push([type, data]);
      return answer();
    },
    say: (type: string) => said.push(type)
  } as unknown as Session;
  pane = new Pane(() => session, {
    onFacts: vi.fn(),
    onStep: step => steps.push(step.rev)
  });
  pane.take({ type: 'pane_offer', data: OFFER });
  await settle();
});

describe('the pane of a link', () => {
  it('is opened at an offer and followed', () => {
    expect(asked).toEqual([['pane_open', { pane: 'loss' }]]);
    pane.take(update(2));
    pane.take(update(3));
    expect(steps).toEqual([1, 2, 3]);
    expect(pane.facts).toMatchObject({ name: 'loss', title: 'Loss', status: 'live' });
  });

  it('is opened anew when a step is missing', async () => {
    pane.take(update(5));
    await settle();
    expect(asked).toHaveLength(2);
    expect(steps).toEqual([1, 1]);
  });

  it('keeps what overtakes the answer, and shows no step twice', async () => {
    let give: (answer: IOwnersMessage) => void = () => undefined;
    answer = () => new Promise(resolve => (give = resolve));
    pane.take(update(5));
    pane.take(update(6));
    pane.take(update(7));
    expect(asked).toHaveLength(2);
    expect(asked[1]).toEqual(['pane_open', { pane: 'loss', epoch: EPOCH, rev: 1 }]);
    give({ type: 'pane_snapshot', data: { ...update(6, 1).data } });
    await settle();
    expect(steps).toEqual([1, 6, 7]);
    pane.take(update(6));
    pane.take(update(7, 7));
    expect(asked).toHaveLength(2);
    expect(steps).toEqual([1, 6, 7]);
  });

  it('asks for the last step when the owner says that there is one', async () => {
    const { data } = update(2, 2);
    pane.take({ type: 'pane_update', data: { ...data, messages: [] } });
    await settle();
    expect(asked).toHaveLength(2);
  });

  it('holds the owner back while the frame shows nothing, and goes on where it was', async () => {
    for (let rev = 2; rev < 40; rev += 1) {
      pane.take(update(rev));
    }
    expect(steps).toHaveLength(16);
    expect(said).toEqual(['pane_close']);
    pane.shown(10);
    expect(asked).toHaveLength(1);
    pane.shown(16);
    expect(asked[1]).toEqual(['pane_open', { pane: 'loss', epoch: EPOCH, rev: 16 }]);
  });

  it('ends when it is withdrawn, and when it is not shared', async () => {
    pane.take({ type: 'pane_withdraw', data: { pane: 'loss', reason: 'ended' } });
    expect(pane.facts.status).toBe('ended');
    answer = () => Promise.reject(new WireError('pane_ended'));
    pane.take({ type: 'pane_offer', data: OFFER });
    await settle();
    expect(pane.facts.status).toBe('ended');
  });

  it.each([
    { pane: 'loss' },
    { pane: 'loss', epoch: 5, rev: 2, outputs: [] },
    { pane: 'loss', epoch: EPOCH, rev: 'x', outputs: [] },
    { pane: 'other', epoch: EPOCH, rev: 2, prev: 1, messages: [{}] }
  ])('ignores what is no step of it: %j', data => {
    pane.take({ type: 'pane_update', data });
    expect(steps).toEqual([1]);
  });

  it('asks again for the code of widgets when the connection was lost, and not where the owner has none', async () => {
    answer = () => Promise.reject(new WireError('link_closed'));
    const code = pane.module('plots');
    await settle();
    answer = () => Promise.resolve({ type: 'pane_snapshot', data: WHOLE });
    pane.take({ type: 'pane_offer', data: OFFER });
    answer = () =>
      Promise.resolve({ type: 'pane_module', data: {}, buffers: [new Uint8Array([49])] });
    expect(await code).toBe('1');
    expect(asked.map(([type]) => type)).toEqual([
      'pane_open',
      'pane_module',
      'pane_open',
      'pane_module'
    ]);
    answer = () => Promise.reject(new WireError('unknown_module', 'ada has no code for it'));
    await expect(pane.module('other')).rejects.toThrow('ada has no code for it');
  });
});
