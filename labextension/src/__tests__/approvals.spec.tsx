import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askForApprovals } from '../agents/approvals';
import { ApprovalsModel } from '../agents/model';
import { IApproval, IAsker } from '../shapes';
import { FakeSocket } from './fakes';
import { endSession, ISession, openSession, trans } from './session';

let session: ISession;

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

function tell(...approvals: IApproval[]): void {
  FakeSocket.last.say({ event: 'approval', data: { approvals } });
}

const dialogs = () => [...document.querySelectorAll<HTMLElement>('.jp-Dialog')];
const button = (label: string) =>
  [...document.querySelectorAll<HTMLButtonElement>('.jp-Dialog button')].find(
    each => each.textContent === label
  )!;
const answers = () =>
  FakeSocket.last.sent.filter(({ op }) => op === 'approve').map(({ params }) => params);

beforeEach(async () => {
  session = await openSession({}, ({ control }) =>
    askForApprovals(new ApprovalsModel(control), trans)
  );
});

afterEach(async () => {
  tell();
  await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
  endSession(session);
});

describe('askForApprovals', () => {
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
    tell(approval({ arguments: args, peer_name: '<b>bob</b>', question: '<s>?', chain }));
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
    tell(approval());
    await vi.waitFor(() => expect(button(label)?.disabled).toBe(false));
    button(label).click();
    await vi.waitFor(() => expect(answers()).toEqual([{ id: 1, allow, for_turn }]));
    await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
  });

  it('allows nothing before the end of what is to be read was in sight', async () => {
    const scrollHeight = vi.spyOn(Element.prototype, 'scrollHeight', 'get').mockReturnValue(900);
    const clientHeight = vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(300);
    tell(approval());
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
    tell(approval());
    await vi.waitFor(() => expect(document.activeElement).toBe(button('No')));
  });

  it('asks one after the other', async () => {
    tell(approval(), approval({ id: 2, tool: 'second' }));
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
    button('No').click();
    await vi.waitFor(() => expect(dialogs()[0]?.textContent).toContain('second'));
    expect(dialogs()).toHaveLength(1);
  });

  it('takes away what was answered elsewhere, and answers nothing for it', async () => {
    tell(approval());
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
    tell();
    await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
    expect(answers()).toEqual([]);
  });

  it('takes it away when the server is gone', async () => {
    tell(approval());
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
    FakeSocket.last.fail();
    await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
  });
});
