import { Clipboard } from '@jupyterlab/apputils';
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRoom, joinRoom } from '../rooms/forms';
import { RoomsModel } from '../rooms/model';
import { IRoomsView, RoomsView } from '../rooms/view';
import { IAtLobby, ILobby, IRoom } from '../shapes';
import { ADA } from './fakes';
import { answered, asked, dialog, dialogButton, dialogClosed, endSession } from './session';
import { ISession, openSession, picture, say, show as draw, trans } from './session';

let session: ISession;
let rooms: RoomsModel;
let copy: ReturnType<typeof vi.spyOn>;

afterEach(() => endSession(session));

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

async function show(state: ILobby, view: IRoomsView = { token: null, around: null }) {
  copy = vi.spyOn(Clipboard, 'copyToSystem').mockImplementation(() => undefined);
  session = await openSession({ ...picture([]), lobby: state }, ({ control }) => {
    rooms = new RoomsModel(control);
  });
  draw(session, <RoomsView rooms={rooms} view={view} />);
}

const click = (name: string) => fireEvent.click(screen.getByRole('button', { name }));
const type = async (label: string, value: string) =>
  fireEvent.change(await screen.findByLabelText(label), { target: { value } });

describe('rooms', () => {
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
    const joined = joinRoom(rooms, trans);
    const name = await screen.findByLabelText('Name of the room');
    await waitFor(() => expect(document.activeElement).toBe(name));
    dialogButton('Join').click();
    await type('Name of the room', ' class ');
    await type('Token', 't0ken');
    dialogButton('Join').click();
    expect(await answered('join_room', { room: room(), token: null })).toEqual({
      name: 'class',
      token: 't0ken'
    });
    await joined;
    await dialogClosed();
  });

  it('say why one is not let in, and keep what was typed', async () => {
    await show(lobby());
    const joined = joinRoom(rooms, trans);
    await type('Name of the room', 'class');
    dialogButton('Join').click();
    const { id } = await asked('join_room');
    const error = {
      code: 'room_refused',
      message: 'this room asks for a token',
      hint: 'ask somebody who is in it'
    };
    await say({ id, error });
    await waitFor(() =>
      expect(dialog().querySelector('[role=alert]')!.textContent).toBe(
        'This room asks for a token.Ask somebody who is in it.'
      )
    );
    expect(screen.getByLabelText<HTMLInputElement>('Name of the room').value).toBe('class');
    dialogButton('Cancel').click();
    await joined;
  });

  it('are created, and tell their token once', async () => {
    await show(lobby());
    const token = vi.fn();
    const made = createRoom(rooms, trans, token);
    await type('Name of the room', 'class');
    await type('Who may join', 'token');
    fireEvent.click(screen.getByLabelText('List it for everybody at the lobby'));
    dialogButton('Create room').click();
    const params = await answered('create_room', { room: room(), token: 't0ken' });
    expect(params).toEqual({ name: 'class', join_policy: 'token', visibility: 'public' });
    await made;
    expect(token).toHaveBeenCalledWith('class', 't0ken');
  });

  it('show the token of a room just created, to be copied', async () => {
    const token = { room: 'class', token: 't0ken' };
    const state = lobby({ rooms: [room({ join_policy: 'token' }), room({ name: 'other' })] });
    await show(state, { token, around: null });
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

  it('that are public, and who is listed, are shown to join and to connect', async () => {
    const chess = room({ name: 'chess', visibility: 'public', joined: false, members: null });
    const safe = room({ ...chess, name: 'safe', join_policy: 'token', member_count: 1 });
    const eve = member({ node_id: 'eveeveeveeveeve2', node_name: 'eve', addresses: [] });
    const dan = member({ node_id: 'dandandandandan2', node_name: 'dan', peer: 'offline' });
    const around = { rooms: [room(), chess, safe], nodes: [ME, eve, dan] };
    await show(lobby({ rooms: [room()] }), { token: null, around });
    const listed = within(screen.getByRole('list', { name: 'Listed at the lobby' }));
    expect(listed.getAllByRole('listitem').map(item => item.textContent)).toEqual([
      'evenot paired',
      'danyour peerConnect'
    ]);
    // The lobby does not give the address of a stranger: it can be invited, and not dialled.
    fireEvent.click(listed.getByRole('button', { name: 'Copy the node id of eve' }));
    expect(copy).toHaveBeenCalledWith(eve.node_id);
    const list = within(screen.getByRole('list', { name: 'Public rooms' }));
    expect(list.getAllByRole('listitem').map(item => item.textContent)).toEqual([
      'chess2 members · anybody may joinJoin',
      'safe1 member · anybody who has its token may join'
    ]);
    fireEvent.click(list.getByRole('button', { name: 'Join chess' }));
    expect(await answered('join_room', { room: chess, token: null })).toEqual({
      name: 'chess',
      token: null
    });
  });

  it('and listed nodes are asked for together', async () => {
    await show(lobby());
    const around = rooms.around();
    await answered('rooms', { rooms: [] });
    await answered('lobby_who', { nodes: [ME] });
    expect(await around).toEqual({ rooms: [], nodes: [ME] });
  });

  it('and the list say so when there is nobody else', async () => {
    await show(lobby(), { token: null, around: { rooms: [], nodes: [ME] } });
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

  it('keep an error of the lobby in sight', async () => {
    const error = { code: 'unreachable', message: 'the lobby does not answer', hint: '' };
    await show(lobby({ status: 'connecting', error, rooms: [room({ members: null })] }));
    expect(screen.getByRole('status').textContent).toContain('The lobby does not answer');
  });
});
