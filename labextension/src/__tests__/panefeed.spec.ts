import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ControlSocket } from '../control';
import { PaneFeed } from '../panefeed';
import { IPaneInfo, IPaneStep } from '../shapes';
import { FakeSocket, serverSettings } from './fakes';

const ADA = 'adaadaadaadaada2';
const INFO: IPaneInfo = {
  name: 'loss',
  title: 'Loss',
  grant: 'view',
  since: 1,
  status: 'live',
  last_seen: null,
  owner: { node_id: ADA, node_name: 'ada', alias: null },
  path: 'direct',
  rtt_ms: 3,
  truncated: 0
};

let control: ControlSocket;
let feed: PaneFeed;
let steps: IPaneStep[];

beforeEach(() => {
  control = new ControlSocket(serverSettings());
  FakeSocket.last.accept();
  feed = new PaneFeed(control, ADA, 'loss');
  steps = [];
  feed.stepReceived.connect((_, step) => steps.push(step));
});

afterEach(() => {
  feed.dispose();
  control.dispose();
  vi.useRealTimers();
});

const ops = () => FakeSocket.last.sent.map(({ op }) => op);
const whole = (rev: number, epoch = 'e1') => ({ epoch, rev, outputs: [] });

/** Answer the newest `open`. */
async function opened(watch: number, state = whole(1)): Promise<void> {
  const { id } = FakeSocket.last.sent.filter(({ op }) => op === 'open').pop()!;
  FakeSocket.last.say({ id, result: { watch, info: INFO, state } });
  await Promise.resolve();
  await Promise.resolve();
}

function step(watch: number, prev: number, rev: number, epoch = 'e1'): void {
  FakeSocket.last.say({ event: 'pane', data: { watch, epoch, prev, rev, messages: [] } });
}

describe('PaneFeed', () => {
  it('asks for nothing before it is started', () => {
    expect(ops()).toEqual([]);
    expect(feed.state.phase).toBe('idle');
  });

  it('begins with the whole state and goes on with the steps of its own watch', async () => {
    void feed.start();
    expect(FakeSocket.last.sent[0].params).toEqual({ peer: ADA, name: 'loss' });
    await opened(7);
    step(8, 1, 2);
    step(7, 1, 3);
    expect(steps.map(({ rev }) => rev)).toEqual([1, 3]);
    expect(feed.state).toMatchObject({ phase: 'open', rev: 3, info: INFO });
    feed.acknowledge(3);
    expect(FakeSocket.last.sent.pop()).toEqual({ op: 'ack', params: { watch: 7, rev: 3 } });
  });

  it.each([
    [2, 'e1'],
    [1, 'e2']
  ])(
    'opens the pane again when a step does not build on what came (%s, %s)',
    async (prev, epoch) => {
      void feed.start();
      await opened(7);
      step(7, prev, 9, epoch);
      expect(steps.length).toBe(1);
      expect(ops()).toEqual(['open', 'close', 'open']);
      await opened(8, whole(9, epoch));
      expect(feed.state.rev).toBe(9);
    }
  );

  it('takes news of the pane without a step', async () => {
    void feed.start();
    await opened(7);
    FakeSocket.last.say({ event: 'pane', data: { watch: 7, info: { ...INFO, status: 'ended' } } });
    expect(feed.state.info!.status).toBe('ended');
    expect(steps.length).toBe(1);
  });

  it('opens the pane again when the server is back', async () => {
    vi.useFakeTimers();
    void feed.start();
    await opened(7);
    FakeSocket.last.fail();
    expect(feed.state.lostAt).not.toBeNull();
    vi.advanceTimersByTime(2000);
    FakeSocket.last.accept();
    expect(ops()).toEqual(['open']);
    await opened(1, whole(5, 'e9'));
    expect(feed.state).toMatchObject({ phase: 'open', lostAt: null, rev: 5 });
  });

  it('says why it is refused, and tries again when the pane is offered', async () => {
    void feed.start();
    const { id } = FakeSocket.last.sent[0];
    const error = { code: 'not_granted', message: 'no', hint: 'ask' };
    FakeSocket.last.say({ id, error });
    await vi.waitFor(() => expect(feed.state.phase).toBe('failed'));
    expect(feed.state.error).toMatchObject(error);
    const offer = (name: string) => [{ name, peer: { node_id: ADA } }];
    FakeSocket.last.say({ event: 'panes', data: { mine: [], offered: offer('other') } });
    expect(ops()).toEqual(['open']);
    FakeSocket.last.say({ event: 'panes', data: { mine: [], offered: offer('loss') } });
    expect(ops()).toEqual(['open', 'open']);
  });

  it('stays idle when no kernel watches the pane and it shall not begin by itself', async () => {
    void feed.start(true);
    expect(FakeSocket.last.sent[0].params).toMatchObject({ if_watched: true });
    FakeSocket.last.say({ id: FakeSocket.last.sent[0].id, error: { code: 'not_watched' } });
    await vi.waitFor(() => expect(feed.state.phase).toBe('idle'));
    FakeSocket.last.fail();
    FakeSocket.last.accept();
    expect(ops()).toEqual(['open']);
  });

  it('lets go of a watch that was opened after it was closed', async () => {
    void feed.start();
    feed.dispose();
    feed.dispose();
    await opened(7);
    expect(FakeSocket.last.sent.pop()).toEqual({ op: 'close', params: { watch: 7 } });
    expect(steps).toEqual([]);
  });
});
