import { afterEach, describe, expect, it, vi } from 'vitest';
import { displayName, IStatusChange, PeersModel, seconds } from '../model';
import { IIdentity } from '../shapes';
import { ADA, FakeSocket, NO_PANES, peer, serverSettings, wellServer } from './fakes';

let model: PeersModel;

afterEach(() => model?.dispose());

/** What the socket answers when it opens. */
function picture(peers = [peer()], identity: IIdentity = ADA) {
  return { identity, peers: { self: identity, peers }, panes: NO_PANES };
}

async function readyModel(peers = [peer()]): Promise<PeersModel> {
  model = new PeersModel(wellServer(peers));
  await vi.waitFor(() => expect(model.state.phase).toBe('ready'));
  return model;
}

async function liveModel(peers = [peer()]): Promise<PeersModel> {
  await readyModel(peers);
  FakeSocket.last.accept();
  FakeSocket.last.answer(picture(peers));
  await vi.waitFor(() => expect(model.state.live).toBe(true));
  return model;
}

describe('PeersModel', () => {
  it('has the first picture by REST, before the control socket is open', async () => {
    await readyModel();
    expect(model.state).toMatchObject({ live: false, identity: ADA, peers: [peer()] });
  });

  it('says why there is no first picture, and has it when asked again', async () => {
    const rest: Record<string, unknown> = {};
    model = new PeersModel(serverSettings(rest));
    await vi.waitFor(() => expect(model.state.phase).toBe('error'));
    expect(model.state.error?.code).toBe('not_enabled');
    Object.assign(rest, picture());
    await model.refresh();
    expect(model.state).toMatchObject({ phase: 'ready', error: null });
  });

  it('asks for the whole picture each time the control socket opens', async () => {
    await liveModel();
    FakeSocket.last.fail();
    expect(model.state).toMatchObject({ live: false, phase: 'ready' });
    expect(model.state.retryAt).not.toBeNull();
    await model.refresh();
    FakeSocket.last.accept();
    FakeSocket.last.answer(picture([peer({ rtt_ms: 80 })]));
    await vi.waitFor(() => expect(model.state.peers[0].rtt_ms).toBe(80));
  });

  it('keeps what is known while the server is away', async () => {
    await liveModel();
    FakeSocket.last.fail();
    const { fetch } = (model as unknown as { _settings: { fetch: typeof window.fetch } })._settings;
    vi.mocked(fetch).mockRejectedValue(new TypeError('network'));
    await model.refresh();
    expect(model.state).toMatchObject({ phase: 'ready', error: null, peers: [peer()] });
  });

  it('follows the events', async () => {
    await liveModel();
    const bob = peer({ status: 'offline', transport: null, rtt_ms: null });
    FakeSocket.last.say({
      event: 'peers',
      data: { self: { ...ADA, node_name: 'new' }, peers: [bob] }
    });
    expect(model.state.peers).toEqual([bob]);
    expect(model.state.identity).toMatchObject({ node_name: 'new', fingerprint: ADA.fingerprint });
    const mine = [{ name: 'loss', title: 'Loss', rev: 1, viewers: [], grants: {} }];
    FakeSocket.last.say({ event: 'panes', data: { mine, offered: [] } });
    expect(model.state.panes.mine).toEqual(mine);
  });

  it('does not let a slow answer by REST undo what the socket said', async () => {
    await liveModel();
    const refresh = model.refresh();
    FakeSocket.last.say({ event: 'peers', data: { self: ADA, peers: [] } });
    await refresh;
    expect(model.state.peers).toEqual([]);
  });

  it('lists who is connected first, then by name', async () => {
    const names = [
      peer({ node_id: 'd', node_name: 'dora', status: 'blocked' }),
      peer({ node_id: 'c', node_name: 'carl', status: 'offline' }),
      peer({ node_id: 'z', node_name: 'zoe' }),
      peer({ node_id: 'b', node_name: 'zzz', alias: 'bob' }),
      peer({ node_id: 'e', node_name: 'eve', status: 'connecting' })
    ];
    await readyModel(names);
    expect(model.state.peers.map(displayName)).toEqual(['bob', 'zoe', 'eve', 'carl', 'dora']);
  });

  it('tells changes of status, but not the first picture', async () => {
    model = new PeersModel(wellServer([peer()]));
    const changes: IStatusChange[] = [];
    model.statusChanged.connect((_, change) => changes.push(change));
    await vi.waitFor(() => expect(model.state.phase).toBe('ready'));
    FakeSocket.last.accept();
    FakeSocket.last.answer(picture());
    await vi.waitFor(() => expect(model.state.live).toBe(true));
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
      model.mintInvite('10m', 'for bob'),
      model.revokeInvite('abcd'),
      model.connect('b'),
      model.disconnect('b'),
      model.block('b'),
      model.unblock('b'),
      model.forget('b'),
      model.setAlias('b', null)
    ];
    never.forEach(each => void each.catch(() => undefined));
    expect(sent()).toEqual([
      { op: 'invite', params: { ttl_s: 600, note: 'for bob' } },
      { op: 'revoke_invite', params: { id: 'abcd' } },
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
    const socket = FakeSocket.last;
    const changed = vi.fn();
    model.dispose();
    model.dispose();
    model.stateChanged.connect(changed);
    socket.say({ event: 'peers', data: { self: ADA, peers: [] } });
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
