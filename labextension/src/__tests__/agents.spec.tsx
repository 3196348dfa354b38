import { fireEvent, screen } from '@testing-library/react';
import * as React from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApprovalsModel } from '../agents/model';
import { AgentSwitch } from '../agents/switch';
import { AgentsView } from '../agents/view';
import { IAgents } from '../shapes';
import { peer } from './fakes';
import { answered, endSession, ISession, openSession, say, show } from './session';

const OFF: IAgents = { on: false, mode: 'read-only', default: null, agents: [], running: [] };
const bob = { node_id: peer().node_id, node_name: 'bob', alias: null, label: 'bob' };

const look = vi.fn();
let session: ISession;

beforeEach(async () => {
  session = await openSession();
  const agents = new AgentSwitch(session.control);
  const approvals = new ApprovalsModel(session.control);
  await answered('agents', OFF);
  await answered('approvals', { approvals: [] });
  show(session, <AgentsView agents={agents} approvals={approvals} guide={null} look={look} />);
});

afterEach(() => endSession(session));

describe('the agents of this node', () => {
  it('are opened to peers and closed with one click', async () => {
    const box = screen.getByRole('checkbox', { name: 'Peers may ask my agent' });
    fireEvent.click(box);
    expect(await answered('agent_on', { ...OFF, on: true })).toEqual({});
    screen.getByText(/No agent answers yet/);
    fireEvent.click(box);
    await answered('agent_off', OFF);
    expect((box as HTMLInputElement).checked).toBe(false);
  });

  it('use what their owner has chosen', async () => {
    await say({ event: 'agents', data: { ...OFF, on: true, default: 'helper' } });
    const choice = screen.getByRole('combobox', { name: 'It may use' });
    fireEvent.change(choice, { target: { value: 'ask' } });
    expect(await answered('agent_on', { ...OFF, on: true, mode: 'ask' })).toEqual({ mode: 'ask' });
    expect((choice as HTMLSelectElement).value).toBe('ask');
  });

  it('are chosen for questions that name none', async () => {
    const agents = [
      { name: 'helper', failure: null, askers: null },
      { name: 'guide', failure: null, askers: null }
    ];
    const both = { ...OFF, on: true, default: 'helper', agents };
    await say({ event: 'agents', data: both });
    const choice = screen.getByRole('combobox', { name: 'Answers questions' });
    fireEvent.change(choice, { target: { value: 'guide' } });
    expect(await answered('agent_on', { ...both, default: 'guide' })).toEqual({ agent: 'guide' });
    expect((choice as HTMLSelectElement).value).toBe('guide');
  });

  it('say why one failed', async () => {
    const failure = { at: Date.now() / 1000, why: "KeyError: '<b>x</b>'", peer: bob };
    await say({
      event: 'agents',
      data: { ...OFF, on: true, agents: [{ name: 'helper', failure }] }
    });
    screen.getByText("helper failed when bob asked: KeyError: '<b>x</b>'");
  });

  it('are listed with who may ask, which their owner changes', async () => {
    const known = (askers: unknown) => ({
      ...OFF,
      on: true,
      agents: [{ name: 'helper', failure: null, askers }]
    });
    await say({ event: 'agents', data: known(null) });
    fireEvent.click(screen.getByRole('button', { name: /helper.*every peer may ask/ }));
    fireEvent.click(screen.getByRole('checkbox', { name: 'Every peer, also those to come' }));
    const all = { agent: 'helper', only: [bob.node_id] };
    expect(await answered('agent_allow', known([bob]))).toEqual(all);
    screen.getByText('bob may ask');
    fireEvent.click(screen.getByRole('checkbox', { name: 'bob' }));
    expect(await answered('agent_allow', known([]))).toEqual({ agent: 'helper', only: [] });
    screen.getByText('nobody may ask');
    fireEvent.click(screen.getByRole('checkbox', { name: 'Every peer, also those to come' }));
    const everybody = { agent: 'helper', only: null };
    expect(await answered('agent_allow', known(null))).toEqual(everybody);
  });

  it('show who asks, and stop answering', async () => {
    const running = [{ turn: 7, agent: 'helper', peer: bob, since: Date.now() / 1000 }];
    await say({ event: 'agents', data: { ...OFF, on: true, default: 'helper', running } });
    screen.getByText(/asks helper · just now/);
    fireEvent.click(screen.getByRole('button', { name: 'Stop answering bob' }));
    expect(await answered('stop_turn', OFF)).toEqual({ turn: 7 });
  });

  it('keep the keyboard where it is while a choice is under way', async () => {
    const box = screen.getByRole('checkbox', { name: 'Peers may ask my agent' });
    box.focus();
    fireEvent.click(box);
    expect(document.activeElement).toBe(box);
    expect((box as HTMLInputElement).disabled).toBe(false);
    await answered('agent_on', { ...OFF, on: true });
  });

  it('list the calls of tools that wait, to look at or to refuse', async () => {
    const call = { id: 3, peer_name: 'bob', agent: 'helper', tool: 'restart' };
    await say({ event: 'approval', data: { approvals: [call] } });
    screen.getByText('restart waits');
    fireEvent.click(screen.getByRole('button', { name: 'Look at the call of restart for bob' }));
    expect(look).toHaveBeenCalledWith(3);
    fireEvent.click(screen.getByRole('button', { name: 'Refuse the call of restart for bob' }));
    const refused = { id: 3, allow: false, for_turn: false };
    expect(await answered('approve', {})).toEqual(refused);
    expect(screen.queryByText('restart waits')).toBeNull();
  });

  it('show who asked, when and what came out, read again when a question ends', async () => {
    const at = Date.now() / 1000 - 120;
    const ended = (turn: number, outcome: string) => [
      {
        at,
        kind: 'agent_turn_ended',
        peer: bob.node_id,
        detail: { turn, agent: 'helper', outcome, seconds: 2.2, characters: 9, tools: 1 }
      },
      {
        at: at - 3,
        kind: 'agent_turn',
        peer: bob.node_id,
        detail: { turn, agent: 'helper', chain: ['carlcarlcarlcar2', bob.node_id] }
      }
    ];
    fireEvent.click(screen.getByRole('button', { name: /Who asked/ }));
    const other = { at, kind: 'pane_shared', peer: null, detail: {} };
    expect(await answered('audit', { audit: [other] })).toEqual({ limit: 1000 });
    screen.getByText('Nobody has asked yet.');
    await say({ event: 'agents', data: OFF });
    const refusal = (code: string) => ({
      at: at - 60,
      kind: 'agent_refused',
      peer: bob.node_id,
      detail: { code, more_before: 2 }
    });
    await answered('audit', {
      audit: [
        ...ended(2, 'agent_failed'),
        other,
        ...ended(1, 'ok'),
        refusal('agent_not_allowed'),
        refusal('not_enabled')
      ]
    });
    const rows = screen.getByRole('list', { name: 'The last questions' }).children;
    expect([...rows].map(row => row.textContent)).toEqual([
      'bob2 minutes ago · the agent failed · helper',
      'bob2 minutes ago · answered in 2 s with 1 call of a tool · helper',
      'bob3 minutes ago · refused: this peer may not ask the agent, and 2 more before',
      'bob3 minutes ago · refused: this is switched off, and 2 more before'
    ]);
    expect((rows[1] as HTMLElement).title).toContain('carlcarlcarlcar2 → bob');
  });
});
