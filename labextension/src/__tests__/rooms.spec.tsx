import { nullTranslator } from '@jupyterlab/translation';
import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PanelContext } from '../context';
import { PeersModel } from '../model';
import { DEFAULT_SETTINGS, Panel } from '../sidebar';
import { IAtLobby, ILobby, IRoom } from '../shapes';
import { ADA, FakeSocket, NO_PANES, wellServer } from './fakes';

let model: PeersModel;
const copy = vi.fn();

afterEach(() => {
  cleanup();
  model.dispose();
  copy.mockReset();
});

function member(change: Partial<IAtLobby> = {}): IAtLobby {
  return {
    node_id: 'bobbobbobbobbob2',
    node_name: 'bob',
    addresses: ['ws://192.0.2.8:8888/peer-ws'],
    away: false,
    me: false,
    peer: null,
    ...change
  };
}

const ME = member({ node_id: ADA.node_id, node_name: ADA.node_name, me: true });

function room(change: Partial<IRoom> = {}): IRoom {
  return {
    name: 'class',
    visibility: 'unlisted',
    join_policy: 'open',
    group: null,
    member_count: 2,
    joined: true,
    members: [ME, member()],
    error: null,
    ...change
  };
}

function lobby(change: Partial<ILobby> = {}): ILobby {
  return {
    url: 'wss://relay.example',
    status: 'connected',
    listed: false,
    rooms: [],
    error: null,
    ...change
  };
}

async function show(state: ILobby): Promise<void> {
  model = new PeersModel(wellServer());
  const trans = nullTranslator.load('jupyter_peer');
  render(
    <PanelContext.Provider
      value={{
        model,
        trans,
        copy,
        chat: vi.fn(),
        examine: vi.fn(),
        confirm: async () => true,
        openPane: vi.fn()
      }}
    >
      <Panel
        settings={DEFAULT_SETTINGS}
        form={null}
        about={null}
        visible
        formKey={0}
        onForm={() => undefined}
      />
    </PanelContext.Provider>
  );
  await screen.findByText(ADA.node_name);
  await act(async () => {
    FakeSocket.last.accept();
    FakeSocket.last.answer({
      identity: ADA,
      peers: { self: ADA, peers: [] },
      panes: NO_PANES,
      lobby: state
    });
  });
}

const say = (frame: unknown) => act(async () => FakeSocket.last.say(frame));
const click = (name: string) => fireEvent.click(screen.getByRole('button', { name }));
const type = (name: string, value: string) =>
  fireEvent.change(screen.getByRole('textbox', { name }), { target: { value } });

async function asked(op: string): Promise<{ id: number; params: Record<string, unknown> }> {
  return waitFor(() => {
    const found = FakeSocket.last.sent.find(each => each.op === op);
    expect(found).toBeDefined();
    FakeSocket.last.sent.splice(FakeSocket.last.sent.indexOf(found!), 1);
    return found!;
  });
}

async function answered(op: string, result: unknown): Promise<Record<string, unknown>> {
  const { id, params } = await asked(op);
  await say({ id, result });
  return params;
}

describe('rooms', () => {
  it('are not there without a lobby', async () => {
    await show(lobby({ url: null, status: 'off' }));
    expect(screen.queryByRole('button', { name: /Rooms/ })).toBeNull();
    await say({ event: 'lobby', data: lobby() });
    screen.getByRole('button', { name: /Rooms/ });
  });

  it('show their members and how these stand to this node', async () => {
    const eve = member({ node_id: 'eveeveeveeveeve2', node_name: 'eve', away: true });
    const dan = member({ node_id: 'dandandandandan2', node_name: 'dan', peer: 'connected' });
    await show(lobby({ rooms: [room({ members: [ME, member(), eve, dan] })] }));
    const list = within(screen.getByRole('list', { name: 'In class' }));
    expect(list.getAllByRole('listitem').map(item => item.textContent)).toEqual([
      'bobnot pairedConnect',
      'evenot paired · awayConnect',
      'danyour peer, connected'
    ]);
  });

  it('change as the lobby tells', async () => {
    await show(lobby({ rooms: [room({ members: [ME] })] }));
    screen.getByText('Nobody else yet.');
    await say({ event: 'lobby', data: lobby({ rooms: [room()] }) });
    screen.getByText('bob');
    await say({ event: 'lobby', data: lobby({ status: 'connecting' }) });
    screen.getByText('Connecting to the lobby wss://relay.example…');
    expect(screen.queryByText('bob')).toBeNull();
  });

  it('are joined by name, with a token if they ask for one', async () => {
    await show(lobby());
    click('Join a room…');
    expect(document.activeElement).toBe(screen.getByRole('textbox', { name: 'Room' }));
    const join = screen.getByRole<HTMLButtonElement>('button', { name: 'Join' });
    expect(join.disabled).toBe(true);
    type('Room', ' class ');
    type('Token', 't0ken');
    fireEvent.click(join);
    expect(await answered('join_room', { room: room(), token: null })).toEqual({
      name: 'class',
      token: 't0ken'
    });
    await waitFor(() => expect(screen.queryByRole('textbox', { name: 'Room' })).toBeNull());
  });

  it('say why one is not let in, and keep what was typed', async () => {
    await show(lobby());
    click('Join a room…');
    type('Room', 'class');
    click('Join');
    const { id } = await asked('join_room');
    const error = {
      code: 'room_refused',
      message: 'this room asks for a token',
      hint: 'ask somebody who is in it'
    };
    await say({ id, error });
    expect(screen.getByRole('alert').textContent).toBe(
      'This room asks for a token.Ask somebody who is in it.'
    );
    expect(screen.getByRole<HTMLInputElement>('textbox', { name: 'Room' }).value).toBe('class');
  });

  it('are made, and show their token once, to be copied', async () => {
    await show(lobby());
    click('Join a room…');
    click('Make a room…');
    type('Room', 'class');
    fireEvent.change(screen.getByRole('combobox', { name: 'Who may join' }), {
      target: { value: 'token' }
    });
    fireEvent.click(screen.getByRole('checkbox', { name: 'List it for everybody at the lobby' }));
    click('Make the room');
    const params = await answered('create_room', { room: room(), token: 't0ken' });
    expect(params).toEqual({ name: 'class', join_policy: 'token', visibility: 'public' });
    await say({ event: 'lobby', data: lobby({ rooms: [room({ join_policy: 'token' })] }) });
    screen.getByText('t0ken');
    click('Copy the token');
    expect(copy).toHaveBeenCalledWith('t0ken');
  });

  it('are left', async () => {
    await show(lobby({ rooms: [room()] }));
    click('Leave class');
    expect(await answered('leave_room', {})).toEqual({ name: 'class' });
  });

  it('let one connect with a member, and say that an invite is needed', async () => {
    await show(lobby({ rooms: [room()] }));
    click('Connect with bob');
    const { id, params } = await asked('connect');
    expect(params).toEqual({ node_id: 'bobbobbobbobbob2' });
    const message = 'this node was found, and the two of you have not paired';
    await say({ id, error: { code: 'not_trusted', message, hint: 'give it an invite' } });
    expect(screen.getByRole('alert').textContent).toContain('Give it an invite.');
  });

  it('that are public, and who is listed, are looked for when somebody asks', async () => {
    await show(lobby({ rooms: [room()] }));
    click('Look around');
    const chess = room({ name: 'chess', visibility: 'public', joined: false, members: null });
    const safe = room({ ...chess, name: 'safe', join_policy: 'token', member_count: 1 });
    await answered('rooms', { rooms: [room(), chess, safe] });
    const eve = member({ node_id: 'eveeveeveeveeve2', node_name: 'eve', addresses: [] });
    const dan = member({ node_id: 'dandandandandan2', node_name: 'dan', peer: 'offline' });
    await answered('lobby_who', { nodes: [ME, eve, dan] });
    const listed = within(screen.getByRole('list', { name: 'Listed at the lobby' }));
    expect(listed.getAllByRole('listitem').map(item => item.textContent)).toEqual([
      'evenot paired',
      'danyour peerConnect'
    ]);
    // Where a stranger is, the lobby does not tell: it can be invited, and not dialled.
    fireEvent.click(listed.getByRole('button', { name: 'Copy the node id of eve' }));
    expect(copy).toHaveBeenCalledWith(eve.node_id);
    const list = within(screen.getByRole('list', { name: 'Public rooms' }));
    expect(list.getAllByRole('listitem').map(item => item.textContent)).toEqual([
      'chess2 members · anybody may joinJoin',
      'safe1 member · whoever has its token may join'
    ]);
    fireEvent.click(list.getByRole('button', { name: 'Join chess' }));
    expect(await answered('join_room', { room: chess, token: null })).toEqual({
      name: 'chess',
      token: null
    });
    click('Hide who is around');
    expect(screen.queryByRole('list', { name: 'Public rooms' })).toBeNull();
  });

  it('and the list say so when there is nobody else', async () => {
    await show(lobby());
    click('Look around');
    await answered('rooms', { rooms: [] });
    await answered('lobby_who', { nodes: [ME] });
    screen.getByText('There is no other public room.');
    screen.getByText('Nobody else is listed.');
  });

  it('are beside being listed, which is asked for and taken back', async () => {
    await show(lobby());
    const box = () =>
      screen.getByRole<HTMLInputElement>('checkbox', { name: /^Everybody at the lobby may see/ });
    expect(box().checked).toBe(false);
    fireEvent.click(box());
    await answered('lobby_on', lobby({ listed: true }));
    await say({ event: 'lobby', data: lobby({ listed: true, rooms: [room()] }) });
    expect(box().checked).toBe(true);
    screen.getByText('(switching it off leaves all rooms)');
    fireEvent.click(box());
    await answered('lobby_off', lobby());
  });

  it('keep the lobby’s trouble in sight', async () => {
    const error = { code: 'unreachable', message: 'the lobby does not answer', hint: '' };
    await show(lobby({ status: 'connecting', error, rooms: [room({ members: null })] }));
    screen.getByText('the lobby does not answer');
  });
});
