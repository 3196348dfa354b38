import { fireEvent, screen } from '@testing-library/react';
import * as React from 'react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentSwitch } from '../agents/switch';
import { AgentsView } from '../agents/view';
import { IAgents } from '../shapes';
import { peer } from './fakes';
import { answered, endSession, ISession, openSession, say, show } from './session';

const OFF: IAgents = { on: false, mode: 'read-only', default: null, agents: [], running: [] };
const bob = { node_id: peer().node_id, node_name: 'bob', alias: null, label: 'bob' };

let session: ISession;

beforeEach(async () => {
  session = await openSession();
  const agents = new AgentSwitch(session.control);
  await answered('agents', OFF);
  show(session, <AgentsView agents={agents} />);
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
});
