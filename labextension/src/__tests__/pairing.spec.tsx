import { Clipboard } from '@jupyterlab/apputils';
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InviteList, inviteSomebody } from '../pairing/invite';
import { PairingModel } from '../pairing/model';
import { pairWithInvite } from '../pairing/pair';
import { IInvite, IPeer } from '../shapes';
import { FakeSocket, peer } from './fakes';
import { answered, asked, dialog, dialogButton, dialogClosed, endSession } from './session';
import { ISession, openSession, picture, say, show } from './session';

const notices = vi.hoisted(() => ({ emit: vi.fn() }));
vi.mock('@jupyterlab/apputils', async original => ({
  ...(await original<object>()),
  Notification: notices
}));

let session: ISession;
let pairing: PairingModel;
let done: Promise<void>;

beforeEach(() => notices.emit.mockReset());

afterEach(async () => {
  document.querySelector<HTMLElement>('.jp-Dialog-footer button')?.click();
  await done;
  endSession(session);
});

async function open(invites: IInvite[] = [], peers: IPeer[] = []): Promise<void> {
  done = Promise.resolve();
  session = await openSession({ ...picture(peers), invites: { invites } }, each => {
    pairing = new PairingModel(each.control);
  });
}

function invite(change: Partial<IInvite> = {}): IInvite {
  const expires = Date.now() / 1000 + 3600.5;
  return { id: 'i1', created: 0, expires, note: '', status: 'open', ...change };
}

const field = (label: string | RegExp) => screen.findByLabelText<HTMLInputElement>(label);

describe('a form in a dialog', () => {
  it('keeps the field focused when the palette gives the focus back to the notebook', async () => {
    // JupyterLab looks for the field before React has drawn it.
    vi.stubGlobal('requestIdleCallback', (callback: () => void) => callback());
    await open();
    done = pairWithInvite(session.view, pairing);
    const box = await field(/Paste the invite/);
    await waitFor(() => expect(document.activeElement).toBe(box));
    vi.unstubAllGlobals();
    const notebook = document.body.appendChild(document.createElement('input'));
    notebook.focus();
    expect(document.activeElement).toBe(box);
    notebook.remove();
    dialogButton('Cancel').click();
    await done;
  });
});

describe('inviting', () => {
  const QR = '<svg xmlns="http://www.w3.org/2000/svg"/>';

  async function asksForCode(): Promise<void> {
    await open();
    done = inviteSomebody(session.view, pairing, '24h');
    await field(/For whom/);
    fireEvent.change(await field('You give it as'), { target: { value: 'code' } });
    expect(screen.queryByLabelText('The invite works for')).toBeNull();
    dialogButton('Create invite').click();
  }

  async function told(): Promise<HTMLElement> {
    const expires = Date.now() / 1000 + 600;
    const minted = { invite: 'jpeer1:abc', id: 'i1', expires, local_only: false };
    expect(await answered('invite', { ...minted, code: '7-adult-amulet' })).toEqual({
      note: '',
      code: true
    });
    return screen.findByLabelText('The code');
  }

  async function created(local_only = false): Promise<HTMLTextAreaElement> {
    await open();
    done = inviteSomebody(session.view, pairing, '24h');
    const note = await field(/For whom/);
    await waitFor(() => expect(document.activeElement).toBe(note));
    fireEvent.change(note, { target: { value: 'bob' } });
    fireEvent.change(await field('The invite works for'), { target: { value: '1h' } });
    fireEvent.keyDown(note, { key: 'Enter' });
    const { expires } = invite();
    expect(
      await answered('invite', { invite: 'jpeer1:abc', id: 'i1', expires, local_only, qr: QR })
    ).toEqual({ ttl_s: 3600, note: 'bob', qr: true });
    return screen.findByLabelText<HTMLTextAreaElement>('The invite');
  }

  async function becomes(status: IInvite['status'], code?: IInvite['code']): Promise<void> {
    await say({ event: 'invites', data: {} });
    await answered('invites', { invites: [invite({ status, code })] });
  }

  it('creates an invite, shows it to copy and says when it expires', async () => {
    const copy = vi.spyOn(Clipboard, 'copyToSystem').mockImplementation(() => undefined);
    expect((await created()).value).toBe('jpeer1:abc');
    screen.getByText(/Works once; expires in 1 hour/);
    const qr = screen.getByAltText<HTMLImageElement>('QR code of the invite');
    expect(decodeURIComponent(qr.src)).toContain(QR);
    dialogButton('Copy invite').click();
    expect(copy).toHaveBeenCalledWith('jpeer1:abc');
    await screen.findByText('Copied to the clipboard.');
    expect(dialog()).not.toBeNull();
  });

  it('says of an invite when no other computer can use it, and offers the switch', async () => {
    await created(true);
    screen.getByText(/works on this computer only/);
    fireEvent.click(screen.getByText('Open to this network'));
    expect(await answered('set_reach', {})).toEqual({ mode: 'network' });
    const { expires } = invite();
    const minted = { invite: 'jpeer1:new', id: 'i2', expires, local_only: false };
    expect((await answered('invite', minted)).note).toBe('bob');
    expect(await answered('revoke_invite', {})).toEqual({ id: 'i1' });
    await waitFor(() => expect(screen.queryByText(/works on this computer only/)).toBeNull());
    expect(screen.getByLabelText<HTMLTextAreaElement>('The invite').value).toBe('jpeer1:new');
  });

  it.each([
    ['used' as const, 'This invite was redeemed. It cannot be used again.'],
    ['revoked' as const, 'This invite was revoked. Nobody can redeem it.']
  ])('does not offer an invite any longer that is %s', async (status, words) => {
    const copy = vi.spyOn(Clipboard, 'copyToSystem').mockImplementation(() => undefined);
    await created();
    await becomes('open');
    expect(dialogButton('Copy invite').disabled).toBe(false);
    await becomes(status);
    await screen.findByText(words);
    expect(screen.queryByLabelText('The invite')).toBeNull();
    expect(dialogButton('Copy invite').disabled).toBe(true);
    fireEvent.keyDown(dialog(), { key: 'Enter' });
    expect(copy).not.toHaveBeenCalled();
  });

  it('shows a code to say, and how long and how often it works', async () => {
    const copy = vi.spyOn(Clipboard, 'copyToSystem').mockImplementation(() => undefined);
    await asksForCode();
    expect((await told()).textContent).toBe('7-adult-amulet');
    screen.getByText(/Works once; expires in 10 minutes. One wrong guess makes it void/);
    expect(screen.queryByLabelText('The invite')).toBeNull();
    dialogButton('Copy code').click();
    expect(copy).toHaveBeenCalledWith('7-adult-amulet');
    await becomes('open', 'waiting');
    expect(dialogButton('Copy code').disabled).toBe(false);
  });

  it.each([
    ['open' as const, 'used' as const, /This code was used/],
    ['revoked' as const, 'wrong' as const, /Somebody used a wrong code, so this one is void/],
    ['revoked' as const, 'expired' as const, /This code has expired/],
    ['revoked' as const, 'ended' as const, /This code is void/]
  ])('says of a code what became of it: %s, %s', async (status, code, words) => {
    await asksForCode();
    await told();
    await becomes(status, code);
    await screen.findByText(words);
    expect(screen.queryByLabelText('The code')).toBeNull();
    expect(dialogButton('Copy code').disabled).toBe(true);
  });

  it('asks for a relay where a code has none, and makes the code there', async () => {
    await asksForCode();
    const { id } = await asked('invite');
    const error = { code: 'not_enabled', message: 'a code needs a relay', hint: 'choose one' };
    await say({ id, error });
    await answered('reach', { locked: {} });
    const relay = await field(/URL of a relay/);
    await screen.findByText('A code needs a relay.');
    dialogButton('Create invite').click();
    expect(FakeSocket.last.sent.filter(each => each.op === 'invite')).toEqual([]);
    fireEvent.change(relay, { target: { value: 'wss://relay.example' } });
    dialogButton('Create invite').click();
    expect(await answered('set_reach', {})).toEqual({
      mode: 'relay',
      relay_url: 'wss://relay.example'
    });
    expect((await told()).textContent).toBe('7-adult-amulet');
  });

  it('asks for no relay where the configuration rules it out, and names the setting', async () => {
    await asksForCode();
    const { id } = await asked('invite');
    const hint = 'remove PeerExtension.lobby_url from the configuration';
    await say({ id, error: { code: 'not_enabled', message: 'lobby_url is off', hint } });
    await answered('reach', { locked: { webrtc: 'lobby_url' } });
    await screen.findByText(`R${hint.slice(1)}.`);
    expect(screen.queryByLabelText(/URL of a relay/)).toBeNull();
  });

  it('has one button that stands out', async () => {
    await created();
    expect(document.querySelectorAll('.jp-Dialog .jp-mod-accept')).toHaveLength(1);
  });

  it('lists open invites and revokes one', async () => {
    await open([
      invite({ id: 'i7', note: 'for carl' }),
      invite({ id: 'i8', note: 'gone', status: 'used' }),
      invite({ id: 'i9', note: 'late', expires: 1 })
    ]);
    show(session, <InviteList pairing={pairing} />);
    const list = within(screen.getByRole('list', { name: 'Open invites' }));
    expect(list.getAllByRole('listitem')).toHaveLength(1);
    fireEvent.click(screen.getByRole('button', { name: 'Revoke for carl' }));
    expect(await answered('revoke_invite', {})).toEqual({ id: 'i7' });
    await say({ event: 'invites', data: {} });
    await answered('invites', { invites: [] });
    expect(screen.queryByText('for carl')).toBeNull();
  });
});

describe('pairing', () => {
  async function pasted(text: string, peers: IPeer[] = []): Promise<HTMLElement> {
    await open([], peers);
    done = pairWithInvite(session.view, pairing);
    const box = await field(/Paste the invite/);
    await waitFor(() => expect(document.activeElement).toBe(box));
    fireEvent.input(box, { target: { value: text } });
    return box;
  }

  it('shows each path that is tried, and then who it is', async () => {
    await pasted(' Here: "jpeer1:ab\n  cd" ');
    dialogButton('Pair').click();
    const { id, params } = await asked('pair');
    expect(params).toEqual({ invite: 'Here: "jpeer1:ab\n  cd"' });
    await say({ id, progress: { step: 'dial', address: 'ws://a', ok: null } });
    const failed = { step: 'dial', address: 'ws://a', ok: false, message: 'ws://a is mute' };
    await say({ id, progress: failed });
    await say({ id, progress: { step: 'dial', address: 'ws://b', ok: null } });
    const steps = () =>
      [...document.querySelectorAll('.jp-Peers-steps > li')].map(each => each.textContent);
    await waitFor(() => expect(steps()).toEqual(['ws://a is mute (failed)', 'Trying ws://b']));
    await say({ id, progress: { step: 'connected', address: 'ws://b', ok: true } });
    await waitFor(() => expect(steps()[1]).toBe('Connected by ws://b'));
    await say({ id, result: { peer: peer() } });
    await done;
    expect(notices.emit.mock.calls[0].slice(0, 2)).toEqual([
      'Paired with bob. Connected · direct · 3 ms.',
      'success'
    ]);
  });

  it('takes a code that somebody said, too', async () => {
    await pasted('7-adult amulet');
    dialogButton('Pair').click();
    expect(await answered('pair', { peer: peer() })).toEqual({ invite: '7-adult amulet' });
    await done;
  });

  it('asks for a relay where a code has none, and not for an invite', async () => {
    const box = await pasted('7-adult-amulet');
    dialogButton('Pair').click();
    const { id } = await asked('pair');
    await say({ id, error: { code: 'not_enabled', message: 'a code needs a relay' } });
    await answered('reach', { locked: {} });
    await field(/URL of a relay/);
    fireEvent.input(box, { target: { value: 'jpeer1:abc' } });
    expect(screen.queryByLabelText(/URL of a relay/)).toBeNull();
    fireEvent.input(box, { target: { value: '7-adult-amulet' } });
    await answered('reach', { locked: {} });
    fireEvent.change(await field(/URL of a relay/), { target: { value: 'wss://relay.example' } });
    dialogButton('Pair').click();
    await answered('set_reach', {});
    await answered('pair', { peer: peer() });
    await done;
  });

  it.each([
    [[peer()], peer(), 'You are already paired with bob.', 'success'],
    [[], peer({ trusted: false }), 'Connected with bob, but not paired.', 'warning'],
    [[peer({ trusted: false })], peer(), 'Paired with bob.', 'success']
  ])('does not say “paired” of what was not agreed: %#', async (before, after, words, type) => {
    await pasted('jpeer1:abc', before);
    dialogButton('Pair').click();
    await answered('pair', { peer: after });
    await done;
    const [message, kind] = notices.emit.mock.calls[0];
    expect(message.startsWith(words)).toBe(true);
    expect(kind).toBe(type);
  });

  it('says what is not an invite before anything is sent', async () => {
    const box = (await pasted('hello')) as HTMLTextAreaElement;
    fireEvent.keyDown(box, { key: 'Enter' });
    expect(box.validationMessage).toContain('jpeer1:');
    expect(FakeSocket.last.sent.filter(each => each.op === 'pair')).toEqual([]);
    fireEvent.input(box, { target: { value: 'jpeer1:abc' } });
    fireEvent.keyDown(box, { key: 'Enter' });
    await answered('pair', { peer: peer() });
  });

  it('says why pairing failed, and lets the person try again', async () => {
    const box = await pasted('jpeer1:used');
    fireEvent.keyDown(box, { key: 'Enter' });
    const { id } = await asked('pair');
    fireEvent.keyDown(box, { key: 'Enter' });
    expect(FakeSocket.last.sent.filter(each => each.op === 'pair')).toEqual([]);
    await say({ id, error: { code: 'unreachable', message: 'ws://a is mute', hint: 'ask again' } });
    await waitFor(() =>
      expect(document.querySelector('.jp-Dialog [role=alert]')!.textContent).toBe(
        'ws://a is mute.Ask again.'
      )
    );
    fireEvent.keyDown(box, { key: 'Enter' });
    await answered('pair', { peer: peer() });
    await dialogClosed();
  });

  it('is closed with Escape, and says nothing of what comes later', async () => {
    const box = await pasted('jpeer1:slow');
    fireEvent.keyDown(box, { key: 'Enter' });
    const { id } = await asked('pair');
    fireEvent.keyDown(box, { key: 'Escape' });
    await dialogClosed();
    await act(async () => FakeSocket.last.say({ id, result: { peer: peer() } }));
    expect(notices.emit).not.toHaveBeenCalled();
  });

  it('reads the invites again when the server is back', async () => {
    await open();
    FakeSocket.last.fail();
    session.control.reconnect();
    FakeSocket.last.accept();
    await answered('invites', { invites: [] });
  });
});
