import { Clipboard } from '@jupyterlab/apputils';
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ChatModel } from '../chat/model';
import { addPeerCommands } from '../peers/commands';
import { PeerList } from '../peers/list';
import { NearbyList } from '../peers/nearby';
import { CommandIDs } from '../tokens';
import { IPeer } from '../shapes';
import { ADA, FakeSocket, peer } from './fakes';
import { answered, asked, dialog, dialogButton, dialogClosed, endSession } from './session';
import { ISession, openSession, picture, say, show } from './session';

let session: ISession;

afterEach(() => endSession(session));

async function open(peers: IPeer[] = [peer()], showOffline = true): Promise<void> {
  session = await openSession(picture(peers), ({ view }) => addPeerCommands(view));
  show(session, <PeerList showOffline={showOffline} chats={null} />);
}

const row = (name: RegExp) => screen.getByRole('button', { name });
const run = (id: string, args = { peer: peer().node_id }) =>
  session.view.commands.execute(id, args);

describe('the list of peers', () => {
  it('says what to do when there is nobody yet', async () => {
    await open([]);
    screen.getByText(/Nobody yet/);
    screen.getByText(/pair with an invite/);
  });

  it.each([
    [{ trusted: true }, 'paired'],
    [{ trusted: false, origin: 'directory' }, 'member of the directory'],
    [{ trusted: false, origin: 'open-lan' }, 'open to the local network'],
    [{ trusted: false, origin: '' }, 'not paired']
  ])('says why a peer may connect: %o', async (change, words) => {
    await open([peer(change)]);
    fireEvent.click(row(/^bob/));
    expect(screen.getByText('Trust').nextElementSibling!.textContent).toBe(words);
  });

  it('is grey while the own server does not answer', async () => {
    await open();
    await act(async () => FakeSocket.last.fail());
    const item = screen.getByRole('listitem');
    expect(item.dataset.status).toBe('unknown');
    expect(item.textContent).toBe('bobNot known');
  });

  it('names status, path, round trip and last seen in words', async () => {
    const now = Date.now() / 1000;
    await open([
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

  it('follows peers as they come and go', async () => {
    await open();
    await say({ event: 'peers', data: { self: ADA, peers: [peer({ status: 'offline' })] } });
    row(/^bob Offline/);
  });

  it('does not show a time in the future when the server clock is ahead', async () => {
    await open([peer({ status: 'offline', last_seen: Date.now() / 1000 + 3600 })]);
    row(/^bob Offline · last seen just now/);
  });

  it('says why a peer that is away is away', async () => {
    const last_error = {
      code: 'not_trusted',
      message: 'bob has forgotten this node',
      hint: 'ask bob for an invite and pair again'
    };
    await open([peer({ status: 'offline', last_error })]);
    fireEvent.click(row(/^bob Offline/));
    screen.getByText('Bob has forgotten this node. Ask bob for an invite and pair again.');
  });

  it('says “just now” of the last seconds only', async () => {
    await open([peer({ status: 'offline', last_seen: Date.now() / 1000 - 30 })]);
    row(/^bob Offline · last seen 3\d s ago/);
  });

  it('hides offline peers when the settings say so, and says that it does', async () => {
    await open([peer(), peer({ node_id: 'd', node_name: 'dora', status: 'offline' })], false);
    expect(screen.queryByText('dora')).toBeNull();
    screen.getByText(/hidden by the settings/);
  });

  it('marks unread lines, and opens the conversation', async () => {
    const chat = vi.fn();
    let chats!: ChatModel;
    session = await openSession({ chats: { lines: [], unread: {} } }, each => {
      chats = new ChatModel(each.control);
      each.view.commands.addCommand(CommandIDs.chat, { execute: chat });
    });
    show(session, <PeerList showOffline chats={chats} />);
    expect(screen.queryByText(/unread/)).toBeNull();
    const bob = peer().node_id;
    await say({ event: 'chat', data: { lines: [], unread: { [bob]: 2 } } });
    fireEvent.click(screen.getByRole('button', { name: '2 unread lines' }));
    expect(chat).toHaveBeenCalledWith({ peer: bob });
    chats.dispose();
  });
});

describe('the nodes found nearby', () => {
  it('are listed with their source, and their node id can be copied', async () => {
    const copy = vi.spyOn(Clipboard, 'copyToSystem').mockImplementation(() => undefined);
    session = await openSession(picture([]));
    show(session, <NearbyList />);
    const eve = { node_id: 'eveeveeveeveeve2', node_name: 'eve', source: 'lan', addresses: [] };
    const met = { ...eve, node_id: 'metmetmetmetmet2', source: 'lobby' };
    await say({ event: 'peers', data: { self: ADA, peers: [], found: [eve, met] } });
    const list = within(screen.getByRole('list', { name: 'Found nearby' }));
    expect(list.getByRole('listitem').textContent).toBe('evein your network · not paired');
    fireEvent.click(list.getByRole('button', { name: 'Copy the node id' }));
    expect(copy).toHaveBeenCalledWith(eve.node_id);
  });
});

describe('the menu of a peer', () => {
  const items = () =>
    [
      ...document.querySelectorAll(
        '.lm-Menu-item[data-type=command]:not(.lm-mod-hidden):not(.lm-mod-collapsed) .lm-Menu-itemLabel'
      )
    ].map(each => each.textContent);

  it('offers what can be done with it, and nothing of features that are not there', async () => {
    await open();
    fireEvent.click(screen.getByRole('button', { name: 'Actions for bob' }));
    await waitFor(() => expect(items()).toEqual(['Disconnect', 'Rename…', 'Block', 'Forget…']));
    fireEvent.keyDown(document.querySelector('.lm-Menu')!, { keyCode: 27 });
    await waitFor(() => expect(document.querySelector('.lm-Menu')).toBeNull());
  });

  it('opens by the right button of the mouse too, and not with Shift', async () => {
    await open([peer({ status: 'blocked' })]);
    fireEvent.contextMenu(row(/^bob/), { shiftKey: true });
    expect(items()).toEqual([]);
    fireEvent.contextMenu(row(/^bob/));
    await waitFor(() => expect(items()).toEqual(['Unblock', 'Forget…']));
    fireEvent.keyDown(document.querySelector('.lm-Menu')!, { keyCode: 27 });
    await waitFor(() => expect(document.querySelector('.lm-Menu')).toBeNull());
  });
});

describe('a peer', () => {
  it.each([
    [CommandIDs.disconnect, 'disconnect', 'connected' as const],
    [CommandIDs.block, 'block', 'connected' as const],
    [CommandIDs.unblock, 'unblock', 'blocked' as const]
  ])('is reached by %s', async (command, op, status) => {
    await open([peer({ status })]);
    expect(session.view.commands.isVisible(command, { peer: peer().node_id })).toBe(true);
    void run(command);
    expect(await answered(op, {})).toEqual({ peer: peer().node_id });
  });

  it('is forgotten only after a question, in which the focus is on Cancel', async () => {
    await open();
    void run(CommandIDs.forget);
    await waitFor(() => expect(document.activeElement).toBe(dialogButton('Cancel')));
    expect(dialog().textContent).toContain('Forget bob?');
    fireEvent.keyDown(document.activeElement!, { key: 'Enter' });
    await dialogClosed();
    expect(FakeSocket.last.sent.filter(each => each.op === 'forget')).toEqual([]);
    void run(CommandIDs.forget);
    await waitFor(() => expect(dialogButton('Forget')).toBeTruthy());
    dialogButton('Forget').click();
    expect(await answered('forget', {})).toEqual({ peer: peer().node_id });
    await dialogClosed();
  });

  it('keeps saying why an operation failed', async () => {
    await open([peer({ status: 'offline' })]);
    void run(CommandIDs.connect);
    const { id, params } = await asked('connect');
    expect(params).toEqual({ node_id: peer().node_id });
    const error = { code: 'unreachable', message: 'no address answered', hint: 'is bob online?' };
    await say({ id, error });
    await waitFor(() => expect(dialog()).not.toBeNull());
    expect(dialog().textContent).toContain('bob could not be connected');
    expect(dialog().textContent).toContain('No address answered. Is bob online?');
    document.querySelector<HTMLButtonElement>('.jp-Dialog-footer button')!.click();
    await dialogClosed();
  });

  it('is connected at an address that a person types', async () => {
    await open();
    void run(CommandIDs.connectTo);
    const input = await screen.findByLabelText('Address of the peer');
    fireEvent.change(input, { target: { value: '192.168.1.20:9797' } });
    dialogButton('Connect').click();
    expect(await answered('connect', {})).toEqual({ address: '192.168.1.20:9797' });
    await dialogClosed();
  });

  it('gets a name of my own, and loses it again', async () => {
    await open([peer({ alias: 'Bobby' })]);
    void run(CommandIDs.alias);
    const input = await screen.findByLabelText('Your name for bob');
    expect((input as HTMLInputElement).value).toBe('Bobby');
    fireEvent.change(input, { target: { value: ' ' } });
    dialogButton('Rename').click();
    expect(await answered('alias', {})).toEqual({ peer: peer().node_id, alias: null });
    await dialogClosed();
  });
});
