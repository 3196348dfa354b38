import { Notification } from '@jupyterlab/apputils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { approvalDialogs } from '../agents/approvals';
import { ApprovalsModel } from '../agents/model';
import { notifyOfApprovals } from '../agents/notice';
import { IApproval, IAsker } from '../shapes';
import { FakeSocket } from './fakes';
import { endSession, ISession, openSession, trans } from './session';

let session: ISession;
let look: (id: number) => void;
const isWanted = vi.fn(() => true);

function asker(label: string, node_id: string): IAsker {
  return { label, node_id, node_name: label, alias: null };
}

function approval(change: Partial<IApproval> = {}): IApproval {
  return {
    id: 1,
    peer: 'bobbobbobbobbob2',
    peer_name: 'bob',
    chain: [asker('bob', 'bobbobbobbobbob2')],
    question: 'restart it',
    agent: 'helper',
    tool: 'restart',
    arguments: [{ name: 'run', value: "'run 7'", is_exact: true }],
    expires: 2e9,
    ...change
  };
}

/** Calls that wait for the person. */
function tell(...approvals: IApproval[]): void {
  FakeSocket.last.say({ event: 'approval', data: { approvals } });
}

/** The same, and the person looks at each. */
function tellAndLook(...approvals: IApproval[]): void {
  tell(...approvals);
  approvals.forEach(({ id }) => look(id));
}

const notices = () => Notification.manager.notifications;
const press = (label: string) =>
  [...notices()]
    .pop()!
    .options.actions!.find(each => each.label === label)!
    .callback(new MouseEvent('click'));

const dialogs = () => [...document.querySelectorAll<HTMLElement>('.jp-Dialog')];
const button = (label: string) =>
  [...document.querySelectorAll<HTMLButtonElement>('.jp-Dialog button')].find(
    each => each.textContent === label
  )!;
const answers = () =>
  FakeSocket.last.sent.filter(({ op }) => op === 'approve').map(({ params }) => params);

beforeEach(async () => {
  isWanted.mockReturnValue(true);
  session = await openSession({}, ({ control }) => {
    const model = new ApprovalsModel(control);
    look = approvalDialogs(model, trans);
    notifyOfApprovals(model, trans, look, isWanted);
  });
});

afterEach(async () => {
  tell();
  await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
  endSession(session);
});

describe('the dialog about a call', () => {
  it('tells the server that somebody can be asked here', () => {
    FakeSocket.last.fail();
    session.control.reconnect();
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent.some(({ op }) => op === 'approvals')).toBe(true);
  });

  it('shows who asks, which agent, which tool and its arguments, as text', async () => {
    const evil = '<img src=x onerror=alert(1)>';
    const args = [
      { name: '<i>', value: evil, is_exact: true },
      { name: 'frame', value: '0 1 ...', is_exact: false }
    ];
    const chain = [asker('<u>cy', 'cycycycycycycyc2'), asker('<b>bob</b>', 'bobbobbobbobbob2')];
    tellAndLook(approval({ arguments: args, peer_name: '<b>bob</b>', question: '<s>?', chain }));
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
    await vi.waitFor(() => expect(dialogs()[0].textContent).toContain('<b>bob</b>'));
    const text = dialogs()[0].textContent;
    const ids = ['bobbobbobbobbob2', 'cycycycycycycyc2'];
    for (const part of ['helper', 'restart', evil, '<i>', '<s>?', '<u>cy', ...ids]) {
      expect(text).toContain(part);
    }
    expect(text!.split('parts may be missing')).toHaveLength(2);
    expect(document.querySelector('.jp-Dialog :is(img, b, i, s, u)')).toBeNull();
  });

  it.each([
    ['Allow once', true, false],
    ['Allow for this turn', true, true],
    ['No', false, false]
  ])('answers with %s', async (label, allow, for_turn) => {
    tellAndLook(approval());
    await vi.waitFor(() => expect(button(label)?.disabled).toBe(false));
    button(label).click();
    await vi.waitFor(() => expect(answers()).toEqual([{ id: 1, allow, for_turn }]));
    await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
  });

  it('allows nothing before the end of what is to be read was in sight', async () => {
    const scrollHeight = vi.spyOn(Element.prototype, 'scrollHeight', 'get').mockReturnValue(900);
    const clientHeight = vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(300);
    tellAndLook(approval());
    await vi.waitFor(() => expect(button('Allow once')).toBeTruthy());
    await new Promise(done => requestAnimationFrame(done));
    const box = document.querySelector('.jp-Peers-approvalBox')!;
    expect(button('Allow once').disabled).toBe(true);
    // Not by a click on its label either, nor by a key on a button that lost its attribute.
    button('Allow once').querySelector('div')!.click();
    button('Allow for this turn').disabled = false;
    button('Allow for this turn').click();
    box.scrollTop = 500;
    box.dispatchEvent(new Event('scroll'));
    expect(button('Allow once').disabled).toBe(true);
    expect(answers()).toEqual([]);
    box.scrollTop = 600;
    box.dispatchEvent(new Event('scroll'));
    expect(button('Allow once').disabled).toBe(false);
    button('Allow once').click();
    await vi.waitFor(() => expect(answers()).toEqual([{ id: 1, allow: true, for_turn: false }]));
    scrollHeight.mockRestore();
    clientHeight.mockRestore();
  });

  it('tells the server when nobody can see the page', async () => {
    const asked = () =>
      FakeSocket.last.sent.filter(({ op }) => op === 'approvals').map(({ params }) => params);
    const state = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    document.dispatchEvent(new Event('visibilitychange'));
    expect(asked().pop()).toEqual({ watching: false });
    state.mockRestore();
    document.dispatchEvent(new Event('visibilitychange'));
    expect(asked().pop()).toEqual({ watching: true });
  });

  it('gives the focus to the button that says no', async () => {
    tellAndLook(approval());
    await vi.waitFor(() => expect(document.activeElement).toBe(button('No')));
  });

  it('asks one after the other', async () => {
    tellAndLook(approval(), approval({ id: 2, tool: 'second' }));
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
    button('No').click();
    await vi.waitFor(() => expect(dialogs()[0]?.textContent).toContain('second'));
    expect(dialogs()).toHaveLength(1);
  });

  it('takes away what was answered elsewhere, and answers nothing for it', async () => {
    tellAndLook(approval());
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
    tell();
    await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
    expect(answers()).toEqual([]);
  });

  it('takes it away when the server is gone', async () => {
    tellAndLook(approval());
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
    FakeSocket.last.fail();
    await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
    expect(notices()).toEqual([]);
  });
});

describe('the notification of a call that waits', () => {
  it('opens nothing by itself, and leaves the keyboard where it is', async () => {
    const field = document.body.appendChild(document.createElement('input'));
    field.focus();
    tell(approval());
    expect(notices().map(({ message }) => message)).toEqual([
      'May your agent helper call restart for bob?'
    ]);
    expect(notices()[0].options.autoClose).toBe(false);
    await new Promise(done => requestAnimationFrame(done));
    expect(dialogs()).toHaveLength(0);
    expect(document.activeElement).toBe(field);
    field.remove();
  });

  it('allows nothing: its yes is in the dialog that shows the whole call', async () => {
    tell(approval());
    expect(notices()[0].options.actions!.map(({ label }) => label)).toEqual(['No', 'Look…']);
    press('Look…');
    await vi.waitFor(() => expect(dialogs()[0]?.textContent).toContain("'run 7'"));
    expect(answers()).toEqual([]);
    button('No').click();
    await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
  });

  it('refuses at once', () => {
    tell(approval());
    press('No');
    expect(answers()).toEqual([{ id: 1, allow: false, for_turn: false }]);
    expect(notices()).toEqual([]);
  });

  it('goes away when the call was answered elsewhere or its time is over, and then does nothing', async () => {
    tell(approval());
    const stale = notices()[0].options.actions!;
    tell(approval({ id: 2, tool: 'other' }));
    expect(notices().map(({ message }) => message)).toEqual([
      'May your agent helper call other for bob?'
    ]);
    stale.forEach(({ callback }) => callback(new MouseEvent('click')));
    await new Promise(done => requestAnimationFrame(done));
    expect(dialogs()).toHaveLength(0);
    expect(answers()).toEqual([]);
  });

  it('is not shown where the settings say so, and the call can be looked at all the same', async () => {
    isWanted.mockReturnValue(false);
    tell(approval());
    expect(notices()).toEqual([]);
    look(1);
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
  });

  it('comes again for what still waits after a lost connection', async () => {
    tell(approval());
    FakeSocket.last.fail();
    expect(notices()).toEqual([]);
    session.control.reconnect();
    FakeSocket.last.accept();
    const { id } = FakeSocket.last.sent.find(({ op }) => op === 'approvals')!;
    FakeSocket.last.say({ id, result: { approvals: [approval()] } });
    await vi.waitFor(() => expect(notices()).toHaveLength(1));
  });
});
