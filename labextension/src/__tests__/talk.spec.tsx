import { nullTranslator } from '@jupyterlab/translation';
import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tellOfChats } from '../chatnotices';
import { PanelContext } from '../context';
import { PeersModel } from '../model';
import { DEFAULT_SETTINGS, FormName, Panel } from '../sidebar';
import { IChatLine, IPeer } from '../shapes';
import { ADA, FakeSocket, NO_PANES, peer, wellServer } from './fakes';

const notices = vi.hoisted(() => ({ info: vi.fn(), update: vi.fn(), dismiss: vi.fn() }));
vi.mock('@jupyterlab/apputils', async original => ({
  ...(await original<object>()),
  Notification: notices
}));

let model: PeersModel;

afterEach(() => {
  cleanup();
  model.dispose();
  Object.values(notices).forEach(mock => mock.mockReset());
});

const BOB = peer({ capabilities: ['panes', 'chat'] });

function line(number: number, text: string, change: Partial<IChatLine> = {}): IChatLine {
  const { node_id, node_name, alias } = BOB;
  return { number, text, mine: false, at: 1000, peer: { node_id, node_name, alias }, ...change };
}

function Host({ visible }: { visible: boolean }): React.ReactElement {
  const [form, setForm] = React.useState<FormName | null>(null);
  const [about, setAbout] = React.useState<string | null>(null);
  const open = (name: FormName) => (nodeId: string | null) => {
    setForm(name);
    setAbout(nodeId);
  };
  return (
    <PanelContext.Provider
      value={{
        model,
        trans: nullTranslator.load('jupyter_peer'),
        copy: vi.fn(),
        confirm: vi.fn(async () => true),
        openPane: vi.fn(),
        chat: open('chat'),
        examine: open('doctor')
      }}
    >
      <Panel
        settings={DEFAULT_SETTINGS}
        form={form}
        about={about}
        visible={visible}
        formKey={0}
        onForm={setForm}
      />
    </PanelContext.Provider>
  );
}

const NOTHING_SAID = { lines: [], unread: {} };

async function show(peers: IPeer[] = [BOB], visible = true, chats: unknown = NOTHING_SAID) {
  model = new PeersModel(wellServer(peers));
  render(<Host visible={visible} />);
  await screen.findByText(ADA.node_name);
  await act(async () => {
    FakeSocket.last.accept();
    FakeSocket.last.answer({
      identity: ADA,
      peers: { self: ADA, peers },
      panes: NO_PANES,
      chats
    });
  });
}

const say = (frame: unknown) => act(async () => FakeSocket.last.say(frame));
const click = (name: string) => fireEvent.click(screen.getByRole('button', { name }));
const openRow = () => fireEvent.click(screen.getByRole('button', { name: /^bob/ }));

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

const log = () => screen.getByRole('log', { name: 'bob' });
const lines = () => within(log()).queryAllByText(/./, { selector: '.jp-Peers-lineText' });
const field = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Write to bob' });

describe('a conversation', () => {
  it('shows its lines as text, whatever is in them, and counts as read', async () => {
    await show();
    openRow();
    click('Chat');
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
    openRow();
    click('Chat');
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
    [{ status: 'offline' as const }, 'bob is not connected; a line would not arrive.'],
    [{ capabilities: ['panes'] }, 'The version of bob has no chat.']
  ])('says why a line cannot be sent: %o', async (change, words) => {
    const away = { ...BOB, ...change };
    const unread = { [BOB.node_id]: 1 };
    await show([away], true, { lines: [], unread });
    openRow();
    click('Chat');
    screen.getByText(words);
    fireEvent.change(field(), { target: { value: 'hello' } });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Send' }).disabled).toBe(true);
  });

  it('refuses a line that is too long before it is sent', async () => {
    await show();
    openRow();
    click('Chat');
    fireEvent.change(field(), { target: { value: 'é'.repeat(8193) } });
    screen.getByText('A line has up to 16 KiB.');
    fireEvent.keyDown(field(), { key: 'Enter' });
    expect(FakeSocket.last.sent.filter(each => each.op === 'chat')).toEqual([]);
  });

  it('is not offered with who has no chat and wrote nothing', async () => {
    await show([peer()]);
    openRow();
    expect(screen.queryByRole('button', { name: 'Chat' })).toBeNull();
  });

  it('marks a peer whose lines nobody has read, and not as read while nobody can see it', async () => {
    await show([BOB], false);
    openRow();
    click('Chat');
    expect((await answered('chats', NOTHING_SAID)).seen).toBe(false);
    const news = { lines: [line(1, 'hello')], unread: { [BOB.node_id]: 1 } };
    await say({ event: 'chat', data: news });
    screen.getByText('1 unread line');
    expect((await answered('chats', news)).seen).toBe(false);
    await say({ event: 'chat', data: { lines: [line(1, 'hello')], unread: {} } });
    expect(screen.queryByText('1 unread line')).toBeNull();
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
    tellOfChats(model, nullTranslator.load('jupyter_peer'), () => watched, open);
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

describe('the doctor', () => {
  const finding = (status: string, check: string, hint = '') => ({
    check,
    subject: check === 'address' ? 'ws://192.0.2.8:8888/peer-ws' : null,
    status,
    text: `What ${check} means.`,
    hint
  });

  it('looks at this node, shows what it tries, and what is wrong first', async () => {
    await show();
    click('What works, what does not');
    const { id, params } = await asked('doctor');
    expect(params).toEqual({});
    await say({ id, progress: { step: 'address', address: 'ws://x', ok: null } });
    screen.getByText('Trying ws://x');
    const findings = [
      finding('ok', 'clock'),
      finding('warning', 'peer-listen', 'set peer_listen'),
      finding('failed', 'address', 'open the port')
    ];
    await say({ id, result: { findings, peer: null, at: 0, took_s: 1 } });
    screen.getByText('1 failed, 1 warning, 1 ok');
    const rows = within(screen.getByRole('list', { name: 'Health of this node' }));
    expect(rows.getAllByRole('listitem').map(each => each.textContent)).toEqual([
      'address · failedws://192.0.2.8:8888/peer-wsWhat address means.→ open the port',
      '!peer-listen · warningWhat peer-listen means.→ set peer_listen',
      'clock · okWhat clock means.'
    ]);
    click('Look again');
    await answered('doctor', { findings: [finding('ok', 'clock')] });
    screen.getByText('All is well.');
  });

  it.each([
    ['connected' as const, 'Why is it slow?'],
    ['offline' as const, 'Why not connected?']
  ])('says of a peer that is %s each path to it', async (status, words) => {
    await show([{ ...BOB, status }]);
    openRow();
    click(words);
    const { id, params } = await asked('doctor');
    expect(params).toEqual({ peer: BOB.node_id });
    await say({ id, error: { code: 'timeout', message: 'no answer', hint: '' } });
    expect(screen.getByRole('alert').textContent).toContain('No answer.');
    screen.getByRole('heading', { name: 'Paths to bob' });
  });
});
