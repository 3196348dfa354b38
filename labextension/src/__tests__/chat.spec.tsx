import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ChatModel } from '../chat/model';
import { canChat, ChatView } from '../chat/view';
import { notifyOfChats } from '../notices/chatnotices';
import { IChatLine, IPeer } from '../shapes';
import { FakeSocket, peer } from './fakes';
import { answered, asked, endSession, ISession, openSession } from './session';
import { picture, say, show as draw, trans } from './session';

const notices = vi.hoisted(() => ({ info: vi.fn(), update: vi.fn(), dismiss: vi.fn() }));
vi.mock('@jupyterlab/apputils', async original => ({
  ...(await original<object>()),
  Notification: notices
}));

let session: ISession;
let chat: ChatModel;

afterEach(() => {
  endSession(session);
  Object.values(notices).forEach(mock => mock.mockReset());
});

const BOB = peer({ capabilities: ['panes', 'chat'] });

function line(number: number, text: string, change: Partial<IChatLine> = {}): IChatLine {
  const { node_id, node_name, alias } = BOB;
  return { number, text, mine: false, at: 1000, peer: { node_id, node_name, alias }, ...change };
}

const NOTHING_SAID = { lines: [], unread: {} };

async function show(peers: IPeer[] = [BOB], visible = true, chats: unknown = NOTHING_SAID) {
  session = await openSession({ ...picture(peers), chats }, ({ control }) => {
    chat = new ChatModel(control);
  });
  draw(session, <ChatView chat={chat} peer={peers[0]} visible={visible} />);
}

const log = () => screen.getByRole('log', { name: 'bob' });
const lines = () => within(log()).queryAllByText(/./, { selector: '.jp-Peers-lineText' });
const field = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Write to bob' });

describe('a conversation', () => {
  it('shows its lines as text, whatever is in them, and counts as read', async () => {
    await show();
    const hostile = '<img src=x onerror=alert(1)> **bold**\nsecond';
    const said = [line(1, hostile), line(2, 'fine', { mine: true })];
    const params = await answered('chats', { lines: said, unread: {} });
    expect(params).toEqual({ peer: BOB.node_id, limit: 200, seen: true });
    expect(lines().map(each => each.textContent)).toEqual([hostile, 'fine']);
    expect(log().querySelector('img')).toBeNull();
    expect(document.activeElement).toBe(field());
  });

  it('sends with Enter, keeps what could not be sent, and makes a new line with Shift', async () => {
    await show();
    await answered('chats', NOTHING_SAID);
    screen.getByText(/Nothing yet/);
    fireEvent.change(field(), { target: { value: 'hello' } });
    fireEvent.keyDown(field(), { key: 'Enter', shiftKey: true });
    expect(FakeSocket.last.sent.filter(each => each.op === 'chat')).toEqual([]);
    fireEvent.keyDown(field(), { key: 'Enter' });
    const { id } = await asked('chat');
    await say({ id, error: { code: 'busy', message: 'too many messages', hint: 'wait' } });
    expect(screen.getByRole('alert').textContent).toContain('Too many messages.');
    expect(field().value).toBe('hello');
    fireEvent.keyDown(field(), { key: 'Enter' });
    expect(await answered('chat', { line: line(1, 'hello', { mine: true }) })).toEqual({
      peer: BOB.node_id,
      text: 'hello'
    });
    await waitFor(() => expect(field().value).toBe(''));
    const news = { lines: [line(1, 'hello', { mine: true })], unread: {} };
    await say({ event: 'chat', data: news });
    await answered('chats', news);
    expect(lines().map(each => each.textContent)).toEqual(['hello']);
  });

  it.each([
    [{ status: 'offline' as const }, 'bob is not connected and would not receive a line.'],
    [{ capabilities: ['panes'] }, 'The version of bob has no chat.']
  ])('says why a line cannot be sent: %o', async (change, words) => {
    const away = { ...BOB, ...change };
    const unread = { [BOB.node_id]: 1 };
    await show([away], true, { lines: [], unread });
    screen.getByText(words);
    fireEvent.change(field(), { target: { value: 'hello' } });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Send' }).disabled).toBe(true);
  });

  it('refuses a line that is too long before it is sent', async () => {
    await show();
    fireEvent.change(field(), { target: { value: 'é'.repeat(8193) } });
    screen.getByText('A line has at most 16 KiB.');
    fireEvent.keyDown(field(), { key: 'Enter' });
    expect(FakeSocket.last.sent.filter(each => each.op === 'chat')).toEqual([]);
  });

  it('is not offered with a peer that has no chat and wrote nothing', () => {
    expect(canChat(peer())).toBe(false);
    expect(canChat(BOB)).toBe(true);
  });

  it('counts lines as unread while nobody can see them', async () => {
    await show([BOB], false);
    expect((await answered('chats', NOTHING_SAID)).seen).toBe(false);
    const news = { lines: [line(1, 'hello')], unread: { [BOB.node_id]: 1 } };
    await say({ event: 'chat', data: news });
    expect(chat.unread).toEqual({ [BOB.node_id]: 1 });
    expect((await answered('chats', news)).seen).toBe(false);
    await say({ event: 'chat', data: { lines: [line(1, 'hello')], unread: {} } });
    expect(chat.unread).toEqual({});
  });
});

describe('a notification of chat', () => {
  const open = vi.fn();
  let watched = false;

  async function listen(chats: unknown = NOTHING_SAID): Promise<void> {
    watched = false;
    open.mockReset();
    let count = 0;
    notices.info.mockImplementation(() => `n${(count += 1)}`);
    await show([BOB], true, chats);
    chat.isWatched = () => watched;
    notifyOfChats(chat, trans, open);
  }

  const hear = (...said: IChatLine[]) =>
    say({ event: 'chat', data: { lines: said, unread: { [BOB.node_id]: said.length } } });

  it('comes once a peer, opens the conversation, and goes when the lines are read', async () => {
    await listen();
    notices.update.mockReturnValue(true);
    await hear(line(1, 'one'));
    await hear(line(1, 'one'), line(2, `<b>two</b> ${'x'.repeat(200)}`));
    expect(notices.info).toHaveBeenCalledTimes(1);
    const [message, options] = notices.info.mock.calls[0];
    expect(message).toBe('bob: one');
    expect(notices.update).toHaveBeenCalledTimes(1);
    expect(notices.update.mock.calls[0][0].message).toMatch(/^bob: <b>two<\/b> x+…$/);
    options.actions[0].callback();
    expect(open).toHaveBeenCalledWith(BOB.node_id);
    await say({ event: 'chat', data: NOTHING_SAID });
    expect(notices.dismiss).toHaveBeenCalledWith('n1');
  });

  it('comes again when the one before is gone', async () => {
    await listen();
    notices.update.mockReturnValue(false);
    await hear(line(1, 'one'));
    await hear(line(2, 'two'));
    expect(notices.info).toHaveBeenCalledTimes(2);
  });

  it('does not come for what was there before, for own lines, or where somebody looks', async () => {
    await listen({ lines: [line(7, 'old')], unread: { [BOB.node_id]: 1 } });
    await hear(line(7, 'old'), line(8, 'mine', { mine: true }));
    watched = true;
    await hear(line(9, 'seen'));
    expect(notices.info).not.toHaveBeenCalled();
  });
});
