import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askForApprovals } from '../agents/approvals';
import { ApprovalsModel } from '../agents/model';
import { IApproval } from '../shapes';
import { FakeSocket } from './fakes';
import { endSession, ISession, openSession, trans } from './session';

let session: ISession;

function approval(change: Partial<IApproval> = {}): IApproval {
  return {
    id: 1,
    peer: 'bobbobbobbobbob2',
    peer_name: 'bob',
    agent: 'helper',
    tool: 'restart',
    arguments: "'run 7'",
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
    tell(approval({ arguments: '<img src=x onerror=alert(1)>', peer_name: '<b>bob</b>' }));
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
    await vi.waitFor(() => expect(dialogs()[0].textContent).toContain('<b>bob</b>'));
    const text = dialogs()[0].textContent;
    for (const part of ['helper', 'restart', '<img src=x onerror=alert(1)>']) {
      expect(text).toContain(part);
    }
    expect(document.querySelector('.jp-Dialog img, .jp-Dialog b')).toBeNull();
  });

  it.each([
    ['Allow once', true],
    ['Deny', false]
  ])('answers with %s', async (label, allow) => {
    tell(approval());
    await vi.waitFor(() => expect(button(label)).toBeTruthy());
    button(label).click();
    await vi.waitFor(() => expect(answers()).toEqual([{ id: 1, allow }]));
    await vi.waitFor(() => expect(dialogs()).toHaveLength(0));
  });

  it('gives the focus to the button that denies', async () => {
    tell(approval());
    await vi.waitFor(() => expect(document.activeElement).toBe(button('Deny')));
  });

  it('asks one after the other', async () => {
    tell(approval(), approval({ id: 2, tool: 'second' }));
    await vi.waitFor(() => expect(dialogs()).toHaveLength(1));
    button('Deny').click();
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
