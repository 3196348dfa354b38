import { fireEvent, screen, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import { ActivityLog } from '../activity/model';
import { ActivityView } from '../activity/view';
import { IAuditEntry } from '../shapes';
import { peer } from './fakes';
import { answered, asked, endSession, ISession, openSession, say, show } from './session';

const BOB = peer().node_id;
const CARL = 'carlcarlcarlcar2';

const entry = (
  kind: string,
  who: string | null,
  detail: Record<string, unknown> = {},
  at = 1_700_000_000
): IAuditEntry => ({ at, kind, peer: who, detail });

let session: ISession;
let log: ActivityLog;

afterEach(() => endSession(session));

async function open(audit: IAuditEntry[]): Promise<void> {
  session = await openSession();
  log = new ActivityLog(session.control);
  show(session, <ActivityView log={log} />);
  void log.read();
  expect(await answered('audit', { audit })).toEqual({ limit: 1000 });
}

/** The rows below the head, each as the texts of its cells without the time. */
const rows = () =>
  within(screen.getByRole('table', { name: 'Activity, the newest first' }))
    .getAllByRole('row')
    .slice(1)
    .map(row => [...row.children].slice(1).map(cell => cell.textContent));

const filter = () => screen.getByRole<HTMLSelectElement>('combobox', { name: 'Peer' });

describe('the activity', () => {
  it('is told in words, with the names of peers and all facts', async () => {
    await open([
      entry('pane_shared', null, { pane: 'loss', with: [BOB], grant: 'interact' }),
      entry('agent_refused', BOB, { code: 'not_enabled', more_before: 2 }),
      entry('guest_joined', null, { pane: '<b>', path: 'relay' }),
      entry('agent_allowed', null, { agent: 'guide', only: null })
    ]);
    expect(rows()).toEqual([
      ['–', 'You shared a panepane: loss · with: bob · may: use'],
      ['bob', 'A question of the peer was refusedreason: this is switched off · more before: 2'],
      ['–', 'A guest opened a linkpane: <b> · path: by relay'],
      ['–', 'You chose who may ask an agentagent: guide · only: every peer']
    ]);
    expect(document.querySelector('time')?.dateTime).toBe('2023-11-14T22:13:20.000Z');
  });

  it('shows what a newer server tells by its name', async () => {
    await open([entry('pane_was_painted', BOB, { in_colour: 'red' })]);
    expect(rows()).toEqual([['bob', 'pane was paintedin colour: red']]);
  });

  it('shows the entries of one peer: those it did, and those that name it', async () => {
    await open([
      entry('pane_input', CARL, { pane: 'loss' }),
      entry('pane_shared', null, { pane: 'loss', with: [BOB, CARL], grant: 'view' }),
      entry('pane_input', BOB, { pane: 'acc' })
    ]);
    expect([...filter().options].map(each => each.text)).toEqual(['everybody', CARL, 'bob']);
    fireEvent.change(filter(), { target: { value: CARL } });
    expect(rows().map(([who]) => who)).toEqual([CARL, '–']);
    fireEvent.change(filter(), { target: { value: '' } });
    expect(rows()).toHaveLength(3);
  });

  it('shows a hundred entries, and as many more at each press', async () => {
    await open(Array.from({ length: 150 }, (_, n) => entry('pane_unshared', null, { pane: n })));
    expect(rows()).toHaveLength(100);
    fireEvent.click(screen.getByRole('button', { name: 'Show 50 more' }));
    expect(rows()).toHaveLength(150);
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('says that nothing has happened, and why it cannot be read', async () => {
    await open([]);
    screen.getByText('Nothing has happened yet.');
    void log.read();
    const { id } = await asked('audit');
    await say({ id, error: { code: 'store', message: 'the disk is full', hint: 'free some' } });
    expect(screen.getByRole('alert').textContent).toContain('The disk is full.');
  });
});
