import { nullTranslator } from '@jupyterlab/translation';
import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PanelContext } from '../context';
import { PeersModel } from '../model';
import { DEFAULT_SETTINGS, FormName, Panel } from '../sidebar';
import { IPeer } from '../shapes';
import { ADA, FakeSocket, NO_PANES, peer, serverSettings, wellServer } from './fakes';

let model: PeersModel;
const copy = vi.fn();
const confirm = vi.fn(async () => true);
const openPane = vi.fn();

afterEach(() => {
  cleanup();
  model.dispose();
  copy.mockReset();
});

/** The panel as the side bar holds it. */
function Host(props: {
  form?: FormName;
  showOffline?: boolean;
  visible?: boolean;
}): React.ReactElement {
  const [form, setForm] = React.useState<FormName | null>(props.form ?? null);
  const [about, setAbout] = React.useState<string | null>(null);
  const open = (name: FormName) => (nodeId: string | null) => {
    setForm(name);
    setAbout(nodeId);
  };
  const trans = nullTranslator.load('jupyter_peer');
  return (
    <PanelContext.Provider
      value={{ model, trans, copy, confirm, openPane, chat: open('chat'), examine: open('doctor') }}
    >
      <Panel
        settings={{ ...DEFAULT_SETTINGS, showOffline: props.showOffline ?? true }}
        form={form}
        about={about}
        visible={props.visible ?? true}
        formKey={0}
        onForm={setForm}
      />
    </PanelContext.Provider>
  );
}

async function show(
  peers: IPeer[] = [peer()],
  panes = NO_PANES,
  props: React.ComponentProps<typeof Host> = {}
): Promise<void> {
  model = new PeersModel(wellServer(peers, panes));
  render(<Host {...props} />);
  await screen.findByText(ADA.node_name);
  await act(async () => {
    FakeSocket.last.accept();
    FakeSocket.last.answer({ identity: ADA, peers: { self: ADA, peers }, panes });
  });
}

async function say(frame: unknown): Promise<void> {
  await act(async () => FakeSocket.last.say(frame));
}

/** The one request that the panel sent, answered. */
async function answered(op: string, result: unknown): Promise<Record<string, unknown>> {
  const request = await waitFor(() => {
    const found = FakeSocket.last.sent.find(each => each.op === op);
    expect(found).toBeDefined();
    return found!;
  });
  FakeSocket.last.sent.splice(FakeSocket.last.sent.indexOf(request), 1);
  await say({ id: request.id, result });
  return request.params;
}

const click = (name: string | RegExp) => fireEvent.click(screen.getByRole('button', { name }));
const row = (name: RegExp) => screen.getByRole('button', { name });

describe('the panel', () => {
  it('says that it is loading, then who this node is', async () => {
    model = new PeersModel(wellServer());
    render(<Host />);
    expect(screen.getByRole('status').textContent).toContain('Looking up');
    const card = within(await screen.findByRole('region', { name: 'This node' }));
    card.getByText(ADA.node_name);
    card.getByText(ADA.node_id);
    fireEvent.click(card.getByRole('button', { name: 'Fingerprint and addresses' }));
    expect(card.getByText(ADA.fingerprint!).closest('dl')!.hidden).toBe(false);
    card.getByText(ADA.addresses[0]);
  });

  it('copies the node id', async () => {
    await show([]);
    click('Copy the node id');
    expect(copy).toHaveBeenCalledWith(ADA.node_id);
    screen.getByText('Copied to the clipboard');
  });

  it('says what failed and what to do when the server extension is not running', async () => {
    model = new PeersModel(serverSettings());
    render(<Host />);
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('jupyter server extension enable jupyter_peer');
    screen.getByRole('button', { name: 'Try again' });
  });

  it('says what to do when there is nobody yet', async () => {
    await show([]);
    screen.getByText(/Nobody yet/);
    screen.getByText(/pair with an invite/);
  });

  it.each([
    [{ trusted: true }, 'paired'],
    [{ trusted: false, origin: 'directory' }, 'by the directory'],
    [{ trusted: false, origin: 'open-lan' }, 'by open-lan'],
    [{ trusted: false, origin: '' }, 'not paired']
  ])('says why a peer may connect: %o', async (change, words) => {
    await show([peer(change)]);
    fireEvent.click(row(/bob/));
    expect(screen.getByText('Trust').nextElementSibling!.textContent).toBe(words);
  });

  it('lists who was found nearby, and only while there is somebody', async () => {
    await show([]);
    expect(screen.queryByRole('list', { name: 'Found nearby' })).toBeNull();
    const eve = { node_id: 'eveeveeveeveeve2', node_name: 'eve', source: 'lan', addresses: [] };
    await say({ event: 'peers', data: { self: ADA, peers: [], found: [eve] } });
    const list = within(screen.getByRole('list', { name: 'Found nearby' }));
    expect(list.getByRole('listitem').textContent).toContain('evein your network · not paired');
    fireEvent.click(list.getByRole('button', { name: 'Copy the node id' }));
    expect(copy).toHaveBeenCalledWith(eve.node_id);
    await say({ event: 'peers', data: { self: ADA, peers: [], found: [] } });
    expect(screen.queryByRole('list', { name: 'Found nearby' })).toBeNull();
  });

  it('names status, path, round trip and last seen in words', async () => {
    const now = Date.now() / 1000;
    await show([
      peer(),
      peer({ node_id: 'c', node_name: 'carl', transport: 'relay', rtt_ms: 0.4 }),
      peer({ node_id: 'd', node_name: 'dora', status: 'offline', last_seen: now - 7300 }),
      peer({ node_id: 'e', node_name: 'eve', status: 'connecting' }),
      peer({ node_id: 'f', node_name: 'fay', status: 'blocked', last_seen: null })
    ]);
    const rows = within(screen.getByRole('list', { name: 'Peers' })).getAllByRole('listitem');
    expect(rows.map(each => each.textContent)).toEqual([
      'bobConnected · direct · 3 ms',
      'carlConnected · by relay · <1 ms',
      'eveConnecting…',
      'doraOffline · last seen 2 hours ago',
      'fayBlocked · never seen'
    ]);
  });

  it('follows peers as they come and go, and says it aloud', async () => {
    await show();
    await say({ event: 'peers', data: { self: ADA, peers: [peer({ status: 'offline' })] } });
    row(/^bob Offline/);
    screen.getByText('bob: Offline');
  });

  it('does not take a server clock that is ahead for a look into the future', async () => {
    await show([peer({ status: 'offline', last_seen: Date.now() / 1000 + 3600 })]);
    row(/^bob Offline · last seen just now/);
  });

  it('hides offline peers when the settings say so, and says that it does', async () => {
    await show([peer(), peer({ node_id: 'd', node_name: 'dora', status: 'offline' })], NO_PANES, {
      showOffline: false
    });
    expect(screen.queryByText('dora')).toBeNull();
    screen.getByText(/hidden by the settings/);
  });

  it('says that contact with the own server is lost, and keeps what was known', async () => {
    await show();
    await act(async () => FakeSocket.last.fail());
    screen.getByText(/does not answer/);
    row(/^bob/);
    const before = FakeSocket.all.length;
    await act(async () => click('Try now'));
    expect(FakeSocket.all.length).toBe(before + 1);
  });

  it('lists panes with viewers, and how to open those of others', async () => {
    const bob = { node_id: peer().node_id, node_name: 'bob', alias: null };
    const spaced = { ...bob, alias: 'my bob' };
    await show([peer()], {
      mine: [
        { name: 'loss', title: 'Loss', rev: 3, viewers: [{ ...bob, grant: 'view' }], grants: {} },
        { name: 'raw', title: '', rev: 0, viewers: [], grants: {} }
      ],
      offered: [
        { name: 'acc', title: 'Accuracy', grant: 'view', peer: bob },
        { name: 'roc', title: 'ROC', grant: 'interact', peer: spaced }
      ]
    });
    const mine = screen.getByRole('list', { name: 'Panes that I share' });
    expect(mine.textContent).toBe('LossWatching: bobrawShared with nobody');
    const offered = screen.getByRole('list', { name: 'Panes shared with me' });
    expect(offered.textContent).toContain('%peer open bob/acc');
    expect(offered.textContent).toContain(`%peer open ${bob.node_id}/roc`);
  });

  it('folds a section away', async () => {
    await show();
    const heading = screen.getByRole('button', { name: /^Peers/ });
    expect(heading.getAttribute('aria-expanded')).toBe('true');
    fireEvent.click(heading);
    expect(heading.getAttribute('aria-expanded')).toBe('false');
    expect(screen.queryByRole('list', { name: 'Peers' })).toBeNull();
  });
});

describe('a peer', () => {
  it('opens to what can be done', async () => {
    await show();
    fireEvent.click(row(/^bob/));
    within(screen.getByRole('group', { name: 'Actions for bob' })).getByText('Disconnect');
    click('Disconnect');
    expect(await answered('disconnect', {})).toEqual({ peer: peer().node_id });
  });

  it('is forgotten only after a question', async () => {
    await show();
    fireEvent.click(row(/^bob/));
    confirm.mockResolvedValueOnce(false);
    await act(async () => click('Forget…'));
    expect(FakeSocket.last.sent).toEqual([]);
    await act(async () => click('Forget…'));
    expect(confirm).toHaveBeenCalledWith('Forget bob?', expect.any(String), 'Forget');
    expect(await answered('forget', {})).toEqual({ peer: peer().node_id });
  });

  it('keeps saying why an operation failed', async () => {
    await show([peer({ status: 'offline' })]);
    fireEvent.click(row(/^bob/));
    click('Connect');
    const { id } = FakeSocket.last.sent[0];
    const error = { code: 'unreachable', message: 'no address answered', hint: 'is bob online?' };
    await say({ id, error });
    expect(screen.getByRole('alert').textContent).toBe('No address answered.Is bob online?');
  });

  it('gets a name of my own, and loses it again', async () => {
    await show([peer({ alias: 'Bobby' })]);
    fireEvent.click(row(/^Bobby/));
    click('Rename');
    const input = screen.getByRole('textbox', { name: 'My name for bob' });
    fireEvent.change(input, { target: { value: ' ' } });
    fireEvent.submit(input);
    expect(await answered('alias', {})).toEqual({ peer: peer().node_id, alias: null });
  });
});

describe('this node', () => {
  it('is renamed with Enter, and keeps its name with Escape', async () => {
    await show([]);
    click('Rename this node');
    let input = screen.getByRole('textbox', { name: 'Name of this node' });
    fireEvent.change(input, { target: { value: 'nope' } });
    fireEvent.keyDown(input, { key: 'Escape' });
    screen.getByText(ADA.node_name);
    click('Rename this node');
    input = screen.getByRole('textbox', { name: 'Name of this node' });
    fireEvent.change(input, { target: { value: ' lab ' } });
    fireEvent.submit(input);
    expect(await answered('set_name', { ...ADA, node_name: 'lab' })).toEqual({ name: 'lab' });
    screen.getByText('lab');
  });
});

describe('inviting', () => {
  it('mints an invite, shows it to copy and says when it expires', async () => {
    await show([]);
    click('Invite');
    expect(document.activeElement).toBe(screen.getByRole('textbox', { name: /For whom/ }));
    fireEvent.change(screen.getByRole('textbox', { name: /For whom/ }), {
      target: { value: 'bob' }
    });
    fireEvent.change(screen.getByRole('combobox'), { target: { value: '1h' } });
    click('Create invite');
    const expires = Date.now() / 1000 + 3600.5;
    expect(await answered('invite', { invite: 'jpeer1:abc', id: 'i1', expires })).toEqual({
      ttl_s: 3600,
      note: 'bob'
    });
    const text = screen.getByRole('textbox', { name: 'The invite' }) as HTMLTextAreaElement;
    expect(text.value).toBe('jpeer1:abc');
    screen.getByText(/Works once; expires in 1 hour/);
    click('Copy invite');
    expect(copy).toHaveBeenCalledWith('jpeer1:abc');
  });

  it('lists open invites and revokes one', async () => {
    await show([], NO_PANES, { form: 'invite' });
    const invite = { id: 'i7', created: 0, expires: Date.now() / 1000 + 999, note: 'for carl' };
    await answered('invites', {
      invites: [
        { ...invite, status: 'open' },
        { ...invite, id: 'i8', note: 'gone', status: 'used' }
      ]
    });
    expect(screen.queryByText('gone')).toBeNull();
    click('Revoke for carl');
    expect(await answered('revoke_invite', {})).toEqual({ id: 'i7' });
    await answered('invites', { invites: [] });
    expect(screen.queryByText('for carl')).toBeNull();
  });
});

describe('pairing', () => {
  const paste = (text: string) =>
    fireEvent.change(screen.getByRole('textbox', { name: /Paste the invite/ }), {
      target: { value: text }
    });

  it('shows each path that is tried, and then who it is', async () => {
    await show([], NO_PANES, { form: 'pair' });
    paste(' Here: "jpeer1:ab\n  cd" ');
    fireEvent.click(screen.getAllByRole('button', { name: 'Pair' })[1]);
    const { id, params } = FakeSocket.last.sent.find(each => each.op === 'pair')!;
    expect(params).toEqual({ invite: 'Here: "jpeer1:ab\n  cd"' });
    await say({ id, progress: { step: 'dial', address: 'ws://a', ok: null } });
    await say({
      id,
      progress: { step: 'dial', address: 'ws://a', ok: false, message: 'ws://a is mute' }
    });
    await say({ id, progress: { step: 'dial', address: 'ws://b', ok: null } });
    const steps = within(screen.getByRole('list', { name: 'Paths tried' })).getAllByRole(
      'listitem'
    );
    expect(steps.map(each => each.textContent)).toEqual([
      'ws://a is mute (failed)',
      'Trying ws://b'
    ]);
    await say({ id, progress: { step: 'connected', address: 'ws://b', ok: true } });
    expect(steps[1].textContent).toBe('Connected by ws://b');
    await say({ id, result: { peer: peer() } });
    screen.getByText('Paired with bob');
    screen.getByText('Connected · direct · 3 ms');
    await say({ event: 'peers', data: { self: ADA, peers: [peer({ rtt_ms: 7 })] } });
    expect(screen.getAllByText('Connected · direct · 7 ms').length).toBe(2);
  });

  it('says what is not an invite before anything is sent', async () => {
    await show([], NO_PANES, { form: 'pair' });
    paste('hello');
    expect(screen.getByRole('alert').textContent).toContain('jpeer1:');
    fireEvent.submit(screen.getByRole('textbox', { name: /Paste the invite/ }));
    expect(FakeSocket.last.sent.filter(each => each.op === 'pair')).toEqual([]);
  });

  it('says why pairing failed and lets the person try again', async () => {
    await show([], NO_PANES, { form: 'pair' });
    paste('jpeer1:used');
    fireEvent.submit(screen.getByRole('textbox', { name: /Paste the invite/ }));
    const { id } = FakeSocket.last.sent.find(each => each.op === 'pair')!;
    await say({ id, error: { code: 'unreachable', message: 'ws://a is mute', hint: 'ask again' } });
    expect(screen.getByRole('alert').textContent).toBe('ws://a is mute.Ask again.');
    expect((screen.getAllByRole('button', { name: 'Pair' })[1] as HTMLButtonElement).disabled).toBe(
      false
    );
  });

  it('is closed with Escape', async () => {
    await show([], NO_PANES, { form: 'pair' });
    fireEvent.keyDown(screen.getByRole('textbox', { name: /Paste/ }), { key: 'Escape' });
    expect(screen.queryByRole('textbox', { name: /Paste/ })).toBeNull();
  });
});
