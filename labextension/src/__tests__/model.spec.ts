import { afterEach, describe, expect, it, vi } from 'vitest';
import { displayName, IStatusChange, PeersModel } from '../model';
import { seconds } from '../pairing/model';
import { ADA, FakeSocket, peer } from './fakes';
import { endSession, ISession, newSession, openSession, picture } from './session';

let session: ISession;
let model: PeersModel;

afterEach(() => endSession(session));

async function liveModel(peers = [peer()]): Promise<PeersModel> {
  session = await openSession(picture(peers));
  model = session.model;
  expect(model.state).toMatchObject({ live: true, phase: 'ready' });
  return model;
}

const fetched = () =>
  vi.mocked((model as unknown as { _settings: { fetch: typeof fetch } })._settings.fetch).mock.calls
    .length;

describe('PeersModel', () => {
  it('has its picture from the control socket, and asks REST for nothing', async () => {
    await liveModel();
    expect(model.state).toMatchObject({ identity: ADA, peers: [peer()] });
    expect(fetched()).toBe(0);
  });

  it('asks REST why the socket does not open, and has the picture once it does', async () => {
    session = newSession();
    model = session.model;
    expect(model.state.phase).toBe('loading');
    FakeSocket.last.fail();
    await vi.waitFor(() => expect(model.state.phase).toBe('error'));
    expect(model.state.error?.code).toBe('not_enabled');
    await model.refresh();
    expect(model.state).toMatchObject({ phase: 'loading', error: null });
    FakeSocket.last.accept();
    FakeSocket.last.answer(picture());
    await vi.waitFor(() => expect(model.state).toMatchObject({ phase: 'ready', error: null }));
  });

  it('takes nothing of what REST says into its state', async () => {
    session = newSession(picture());
    model = session.model;
    FakeSocket.last.fail();
    await vi.waitFor(() => expect(fetched()).toBe(1));
    expect(model.state).toMatchObject({ phase: 'loading', identity: null });
  });

  it('asks for the whole picture each time the control socket opens', async () => {
    await liveModel();
    FakeSocket.last.fail();
    expect(model.state).toMatchObject({ live: false, phase: 'ready', peers: [peer()] });
    expect(model.state.retryAt).not.toBeNull();
    await model.refresh();
    FakeSocket.last.accept();
    FakeSocket.last.answer(picture([peer({ rtt_ms: 80 })]));
    await vi.waitFor(() => expect(model.state.peers[0].rtt_ms).toBe(80));
    expect(fetched()).toBe(0);
  });

  it('reads the picture again when a person asks', async () => {
    await liveModel();
    FakeSocket.last.sent.length = 0;
    const refresh = model.refresh();
    FakeSocket.last.answer(picture([]));
    await refresh;
    expect(model.state.peers).toEqual([]);
  });

  it('shows why the server refuses the picture', async () => {
    session = newSession();
    model = session.model;
    FakeSocket.last.accept();
    const error = { code: 'not_ready', message: 'the hub is not running', hint: 'see the log' };
    FakeSocket.last.sent.splice(0).forEach(({ id }) => FakeSocket.last.say({ id, error }));
    await vi.waitFor(() => expect(model.state.error).toMatchObject(error));
  });

  it('follows the events', async () => {
    await liveModel();
    const bob = peer({ status: 'offline', transport: null, rtt_ms: null });
    FakeSocket.last.say({
      event: 'peers',
      data: { self: { ...ADA, node_name: 'new' }, peers: [bob] }
    });
    expect(model.state.peers).toEqual([bob]);
    expect(model.peer(bob.node_id)).toEqual(bob);
    expect(model.state.identity).toMatchObject({ node_name: 'new', fingerprint: ADA.fingerprint });
    const mine = [{ name: 'loss', title: 'Loss', rev: 1, viewers: [], grants: {} }];
    FakeSocket.last.say({ event: 'panes', data: { mine, offered: [] } });
    expect(model.state.panes.mine).toEqual(mine);
  });

  it('lists who is connected first, then by name', async () => {
    const names = [
      peer({ node_id: 'd', node_name: 'dora', status: 'blocked' }),
      peer({ node_id: 'c', node_name: 'carl', status: 'offline' }),
      peer({ node_id: 'z', node_name: 'zoe' }),
      peer({ node_id: 'b', node_name: 'zzz', alias: 'bob' }),
      peer({ node_id: 'e', node_name: 'eve', status: 'connecting' })
    ];
    await liveModel(names);
    expect(model.state.peers.map(displayName)).toEqual(['bob', 'zoe', 'eve', 'carl', 'dora']);
  });

  it('tells changes of status, but not the first picture', async () => {
    const changes: IStatusChange[] = [];
    session = await openSession(picture(), ({ model }) =>
      model.statusChanged.connect((_, change) => changes.push(change))
    );
    expect(changes).toEqual([]);
    const offline = peer({ status: 'offline' });
    const carl = peer({ node_id: 'c', node_name: 'carl' });
    FakeSocket.last.say({ event: 'peers', data: { self: ADA, peers: [offline, carl] } });
    expect(changes).toEqual([
      { peer: carl, before: null },
      { peer: offline, before: 'connected' }
    ]);
  });

  it('sends each operation with its parameters', async () => {
    await liveModel();
    const sent = () => FakeSocket.last.sent.splice(0).map(({ op, params }) => ({ op, params }));
    sent();
    const never = [
      model.connect('b'),
      model.disconnect('b'),
      model.block('b'),
      model.unblock('b'),
      model.forget('b'),
      model.setAlias('b', null)
    ];
    never.forEach(each => void each.catch(() => undefined));
    expect(sent()).toEqual([
      { op: 'connect', params: { node_id: 'b' } },
      { op: 'disconnect', params: { peer: 'b' } },
      { op: 'block', params: { peer: 'b' } },
      { op: 'unblock', params: { peer: 'b' } },
      { op: 'forget', params: { peer: 'b' } },
      { op: 'alias', params: { peer: 'b', alias: null } }
    ]);
  });

  it('shows its new name at once', async () => {
    await liveModel();
    FakeSocket.last.sent.length = 0;
    const named = model.setName('lab');
    FakeSocket.last.answer({ set_name: { ...ADA, node_name: 'lab' } });
    await named;
    expect(model.state.identity?.node_name).toBe('lab');
  });

  it('may be disposed twice and is silent afterwards', async () => {
    await liveModel();
    const changed = vi.fn();
    model.dispose();
    model.dispose();
    model.stateChanged.connect(changed);
    FakeSocket.last.say({ event: 'peers', data: { self: ADA, peers: [] } });
    expect(changed).not.toHaveBeenCalled();
  });
});

describe('seconds', () => {
  it.each([
    ['30s', 30],
    ['10m', 600],
    ['1h', 3600],
    ['24h', 86_400],
    ['7d', 604_800]
  ])('reads %s', (text, expected) => expect(seconds(text)).toBe(expected));

  it.each(['', '10', 'm', '1w', '-1h', '1.5h'])('refuses %j', text => {
    expect(() => seconds(text)).toThrow('is not a time');
  });
});
