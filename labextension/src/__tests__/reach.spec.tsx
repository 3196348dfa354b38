import { fireEvent, screen, waitFor } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import { PanelHeader } from '../panel/header';
import { ReachModel } from '../reach/model';
import { ReachView } from '../reach/view';
import { IReach } from '../shapes';
import { ADA, reachState } from './fakes';
import { answered, asked, dialog, dialogButton, dialogClosed, endSession } from './session';
import { ISession, openSession, picture, say, show as draw } from './session';

let session: ISession;

afterEach(() => endSession(session));

async function show(state: IReach): Promise<void> {
  let reach: ReachModel;
  session = await openSession({ ...picture([]), reach: state }, ({ control }) => {
    reach = new ReachModel(control);
  });
  draw(session, <ReachView reach={reach!} />);
}

const radio = (name: string) => screen.getByRole<HTMLInputElement>('radio', { name });

function found(text: string, status: 'ok' | 'failed' = 'ok', hint = '') {
  return { check: 'reach', subject: null, status, text, hint };
}

const OPEN = reachState({
  mode: 'network',
  chosen: 'network',
  checked: [
    found('Peers on this network can reach you at 192.168.1.20:9797.'),
    { check: 'address', subject: null, status: 'ok', text: 'This node answers.', hint: '' }
  ]
});

describe('who can reach this node', () => {
  it('is one of four choices, with what the check found below the one in effect', async () => {
    await show(OPEN);
    const names = screen.getAllByRole('radio').map(each => each.parentElement?.textContent);
    expect(names).toEqual([
      'This computer',
      'This network',
      'Anywhere, by a relay',
      'Through routers (WebRTC)'
    ]);
    expect(radio('This network').checked).toBe(true);
    screen.getByText('Peers on this network can reach you at 192.168.1.20:9797.');
    expect(screen.queryByText('This node answers.')).toBeNull();
  });

  it('is applied at once, and shows that it is checked', async () => {
    await show(reachState());
    fireEvent.click(radio('This network'));
    await screen.findByText('Checking…');
    expect(radio('Anywhere, by a relay').disabled).toBe(true);
    expect(await answered('set_reach', OPEN)).toEqual({ mode: 'network', relay_url: null });
    await screen.findByText(/can reach you at 192.168.1.20:9797/);
    expect(radio('This network').checked).toBe(true);
  });

  it('asks for the relay, with the last one filled in', async () => {
    await show(reachState({ last_relay_url: 'wss://old.example' }));
    fireEvent.click(radio('Anywhere, by a relay'));
    const url = await screen.findByLabelText<HTMLInputElement>('URL of the relay');
    expect(url.value).toBe('wss://old.example');
    fireEvent.change(url, { target: { value: 'wss://relay.example' } });
    dialogButton('Use this relay').click();
    const answer = reachState({ mode: 'relay', checked: [found('Peers anywhere can reach you.')] });
    expect(await answered('set_reach', answer)).toEqual({
      mode: 'relay',
      relay_url: 'wss://relay.example'
    });
    await dialogClosed();
    await waitFor(() => expect(radio('Anywhere, by a relay').checked).toBe(true));
  });

  it('changes nothing when no relay is named', async () => {
    await show(reachState());
    fireEvent.click(radio('Through routers (WebRTC)'));
    await screen.findByLabelText('URL of the relay');
    dialogButton('Cancel').click();
    await dialogClosed();
    await waitFor(() => expect(radio('This computer').checked).toBe(true));
    expect(dialog()).toBeNull();
  });

  it('shows what the configuration forbids, with the setting that does', async () => {
    const locked = { local: 'relay_url', network: 'relay_url' };
    await show(reachState({ mode: 'relay', fixed_by: 'relay_url', locked }));
    expect(radio('This computer').disabled).toBe(true);
    expect(radio('Through routers (WebRTC)').disabled).toBe(false);
    expect(screen.getAllByText('Your configuration decides this (relay_url).')).toHaveLength(3);
  });

  it('says why a choice failed and what to do', async () => {
    await show(reachState());
    fireEvent.click(radio('This network'));
    const { id } = await asked('set_reach');
    await say({ id, error: { code: 'bad_request', message: 'port 9797 is in use', hint: 'x' } });
    await screen.findByText('Port 9797 is in use.');
    expect(radio('This computer').checked).toBe(true);
  });

  it('is read again when it was changed elsewhere', async () => {
    await show(reachState());
    await say({ event: 'reach', data: {} });
    await answered('reach', OPEN);
    await waitFor(() => expect(radio('This network').checked).toBe(true));
  });

  it('is not changed by the arrow keys, which only move', async () => {
    await show(reachState());
    radio('This computer').focus();
    fireEvent.keyDown(radio('This computer'), { key: 'ArrowDown' });
    expect(document.activeElement).toBe(radio('This network'));
    expect(radio('This computer').checked).toBe(true);
  });
});

describe('the name of a new node', () => {
  it('is asked for at first use, with a proposal', async () => {
    session = await openSession({ ...picture(), identity: { ...ADA, named: false } });
    draw(session, <PanelHeader />);
    const box = await screen.findByLabelText<HTMLInputElement>(/Your name/);
    expect(box.value).toBe('ada-laptop');
    fireEvent.change(box, { target: { value: 'Ada' } });
    fireEvent.click(screen.getByRole('button', { name: 'Use this name' }));
    expect(await answered('set_name', { ...ADA, node_name: 'Ada' })).toEqual({ name: 'Ada' });
    await waitFor(() => expect(screen.queryByLabelText(/Your name/)).toBeNull());
  });

  it('is not asked for again', async () => {
    session = await openSession();
    draw(session, <PanelHeader />);
    expect(screen.queryByLabelText(/Your name/)).toBeNull();
  });
});
