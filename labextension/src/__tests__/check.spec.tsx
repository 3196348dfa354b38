import { screen, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionCheck } from '../check/model';
import { CheckView } from '../check/view';
import { FakeSocket } from './fakes';
import { answered, asked, endSession, ISession, openSession, say, show } from './session';

let session: ISession;
let check: ConnectionCheck;

afterEach(() => endSession(session));

async function open(peer: string | null = null): Promise<void> {
  session = await openSession();
  check = new ConnectionCheck(session.control, peer);
  show(session, <CheckView check={check} />);
  void check.run();
}

describe('the connection check', () => {
  const finding = (status: string, name: string, hint = '') => ({
    check: name,
    title: name === 'peer-listen' ? 'Port for peers' : name.charAt(0).toUpperCase() + name.slice(1),
    subject: name === 'address' ? 'ws://192.0.2.8:8888/peer-ws' : null,
    status,
    text: `What ${name} means.`,
    hint
  });

  it('checks this node, shows what it tries, and what is wrong first', async () => {
    await open();
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
    const rows = within(screen.getByRole('list', { name: 'Connection check' }));
    expect(rows.getAllByRole('listitem').map(each => each.textContent)).toEqual([
      'Address · failedws://192.0.2.8:8888/peer-wsWhat address means.→ open the port',
      '!Port for peers · warningWhat peer-listen means.→ set peer_listen',
      'Clock · okWhat clock means.'
    ]);
    void check.run();
    await answered('doctor', { findings: [finding('ok', 'clock')] });
    screen.getByText('All checks passed.');
  });

  it('checks each path to a peer, and says why it could not', async () => {
    await open('bobbobbobbobbob2');
    const { id, params } = await asked('doctor');
    expect(params).toEqual({ peer: 'bobbobbobbobbob2' });
    await say({ id, error: { code: 'timeout', message: 'no answer', hint: '' } });
    expect(screen.getByRole('alert').textContent).toContain('No answer.');
  });

  it('runs once at a time', async () => {
    await open();
    void check.run();
    expect(FakeSocket.last.sent.filter(each => each.op === 'doctor')).toHaveLength(1);
  });
});
