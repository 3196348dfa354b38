import type { INotebookTracker } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { NotebookGuide } from '../agents/guide';
import { GuideChoice } from '../agents/guideview';
import { AgentSwitch } from '../agents/switch';
import { useFollowed } from '../context';
import { IAgent, IAgents } from '../shapes';
import { answered, endSession, ISession, openSession, say, show, trans } from './session';

const NOBODY: IAgents = { on: false, mode: 'read-only', default: null, agents: [], running: [] };

const guideOf = (kernel_id: string, ...tools: string[]): IAgent => ({
  name: 'guide',
  kernel_id,
  tools: tools.map(name => ({ name, read_only: true })),
  failure: null,
  askers: null
});
const on = (agent: IAgent): IAgents => ({ ...NOBODY, on: true, default: 'guide', agents: [agent] });

const signal = () => new Signal<unknown, unknown>({});

/** An open notebook; `reply` is what its kernel answers to code. */
function notebook(id: string, label: string, reply: unknown = { status: 'ok' }, name = 'python') {
  const done = Promise.resolve({ content: reply });
  const requestExecute = vi.fn<(content: { code: string }) => unknown>(() => ({ done }));
  const kernel = { id, info: Promise.resolve({ language_info: { name } }), requestExecute };
  return {
    requestExecute,
    panel: {
      title: { label, changed: signal() },
      sessionContext: { session: { kernel }, kernelChanged: signal() }
    }
  };
}

type Notebook = ReturnType<typeof notebook>;

let session: ISession;

afterEach(() => endSession(session));

function View({ agents, guide }: { agents: AgentSwitch; guide: NotebookGuide }) {
  const now = useFollowed(agents.changed, () => agents.agents);
  return now && <GuideChoice guide={guide} agents={now} />;
}

/** Show the choice in a page with these notebooks, the first of which is the current one. */
async function open(state: IAgents, ...notebooks: Notebook[]) {
  session = await openSession();
  const panels = notebooks.map(each => each.panel);
  const tracker = {
    currentWidget: panels[0] ?? null,
    currentChanged: signal(),
    find: (fits: (panel: unknown) => boolean) => panels.find(fits)
  };
  const agents = new AgentSwitch(session.control);
  await answered('agents', state);
  const guide = new NotebookGuide(tracker as unknown as INotebookTracker, agents, trans);
  show(session, <View agents={agents} guide={guide} />);
  return tracker;
}

const box = (name: string) => screen.getByRole<HTMLInputElement>('checkbox', { name });

describe('the guide of a notebook', () => {
  it('is registered by its kernel, out of sight, and then answers who names no agent', async () => {
    const work = notebook('k', 'work.ipynb');
    await open(NOBODY, work);
    fireEvent.click(box('Guide to work.ipynb'));
    expect(await answered('agent_on', on(guideOf('k')))).toEqual({ agent: 'guide' });
    expect(work.requestExecute.mock.calls[0][0]).toMatchObject({
      code: '__import__("jupyter_peer").client().guide(cells=False)',
      silent: true,
      store_history: false
    });
    expect(box('Guide to work.ipynb').checked).toBe(true);
  });

  it('shows the cells that have run if its owner wants it', async () => {
    const work = notebook('k', 'work.ipynb');
    await open(on(guideOf('k', 'describe')), work);
    expect(box('also to the cells that ran').checked).toBe(false);
    fireEvent.click(box('also to the cells that ran'));
    await answered('agent_on', on(guideOf('k', 'describe', 'list_cells')));
    expect(work.requestExecute.mock.calls[0][0].code).toContain('guide(cells=True)');
    expect(box('also to the cells that ran').checked).toBe(true);
  });

  it('is switched off by the server, without its kernel, and other agents stay', async () => {
    const work = notebook('k', 'work.ipynb');
    await open(on(guideOf('k')), work);
    fireEvent.click(box('Guide to work.ipynb'));
    expect(await answered('agent_unregister', {})).toEqual({ name: 'guide' });
    await say({ event: 'agents', data: { ...NOBODY, on: true } });
    expect(box('Guide to work.ipynb').checked).toBe(false);
    expect(work.requestExecute).not.toHaveBeenCalled();
  });

  it('of another notebook is named, to be switched off', async () => {
    await open(on(guideOf('k2')), notebook('k', 'work.ipynb'), notebook('k2', 'other.ipynb'));
    expect(box('Guide to other.ipynb').checked).toBe(true);
    await say({ event: 'agents', data: on(guideOf('k3')) });
    expect(box('Guide to a notebook that is closed').checked).toBe(true);
    expect(screen.queryByRole('checkbox', { name: 'also to the cells that ran' })).toBeNull();
  });

  it('follows the notebook that a person works in, and needs one', async () => {
    const tracker = await open(NOBODY);
    expect(screen.queryByRole('checkbox')).toBeNull();
    tracker.currentWidget = notebook('k', 'work.ipynb').panel;
    await act(async () => tracker.currentChanged.emit(tracker.currentWidget));
    box('Guide to work.ipynb');
  });

  it.each([
    [{ status: 'error', ename: 'ModuleNotFoundError', evalue: 'No module' }, 'python', /Install/],
    [{ status: 'error', ename: 'X', evalue: 'no server' }, 'python', /No server/],
    [{ status: 'ok' }, 'R', /in Python only/]
  ])('says why it cannot be switched on: %j in %s', async (reply, language, words) => {
    await open(NOBODY, notebook('k', 'work.ipynb', reply, language));
    fireEvent.click(box('Guide to work.ipynb'));
    await waitFor(() => expect(screen.getByRole('alert').textContent).toMatch(words));
    expect(box('Guide to work.ipynb').checked).toBe(false);
  });
});
