import type { CodeCell } from '@jupyterlab/cells';
import { fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { ISharedCell, ISharing } from '../sharing/cells';
import { askAndShare } from '../sharing/dialog';
import { Grant, IOwnPane } from '../shapes';
import { ownPane, peer } from './fakes';
import { dialogButton, dialogClosed, endSession, ISession, openSession, picture } from './session';

const ADA = 'node-of-ada-1234';
const BOB = 'node-of-bob-1234';

const people = [peer({ node_id: ADA, node_name: 'ada' }), peer({ node_id: BOB, node_name: 'bob' })];

const WIDGET = {
  output_type: 'display_data',
  data: { 'application/vnd.jupyter.widget-view+json': { model_id: 'm' } },
  metadata: {}
};

/** A cell that shows these outputs. */
function cellOf(outputs: unknown[]): ISharedCell {
  const model = { id: 'c', outputs: { toJSON: () => outputs }, sharedModel: { source: 'plot()' } };
  return { kernelId: 'k', path: 'a.ipynb', cell: { model, outputArea: {} } as unknown as CodeCell };
}

const pane = (grants: Record<string, Grant>, change: Partial<IOwnPane> = {}) =>
  ownPane({ name: 'plot', title: 'Loss', cell_id: 'c', path: 'a.ipynb', grants, ...change });

let session: ISession;
let shares: [ISharing, string[]][];

afterEach(() => endSession(session));

/** Open the dialog of a cell that has these panes and shows these outputs. */
function open(mine: IOwnPane[], outputs: unknown[] = []): Promise<boolean> {
  shares = [];
  return openSession(picture(people, { mine, offered: [] })).then(opened => {
    session = opened;
    return askAndShare(session.view, [cellOf(outputs)], null, async (_, sharing, revoked) => {
      shares.push([sharing, revoked]);
    });
  });
}

const box = (label: RegExp | string) => screen.getByLabelText<HTMLInputElement>(label);

it('proposes nobody and the lesser grant for a cell that is not shared', async () => {
  void open([]);
  await screen.findByLabelText(/ada/);
  expect([box(/ada/).checked, box(/bob/).checked, box('view it').checked]).toEqual([
    false,
    false,
    true
  ]);
  dialogButton('Cancel').click();
  await dialogClosed();
});

it('shows who may see a shared cell, and revokes who is no longer chosen', async () => {
  const done = open([pane({ [ADA]: 'interact', [BOB]: 'interact' })]);
  await screen.findByLabelText(/ada/);
  expect([box(/ada/).checked, box(/bob/).checked]).toEqual([true, true]);
  expect(box('view it and use its controls').checked).toBe(true);
  box(/bob/).click();
  dialogButton('Share').click();
  expect(await done).toBe(true);
  expect(shares).toMatchObject([[{ name: 'plot', with: [ADA], grant: 'interact' }, [BOB]]]);
});

it('proposes the lesser grant where people differ, and leaves a pane of another name alone', async () => {
  const done = open([pane({ [ADA]: 'view', [BOB]: 'interact' })]);
  await screen.findByLabelText(/ada/);
  expect(box('view it').checked).toBe(true);
  box(/bob/).click();
  box('Name, for commands').value = 'other';
  dialogButton('Share').click();
  expect(await done).toBe(true);
  expect(shares).toMatchObject([[{ name: 'other', with: [ADA], grant: 'view' }, []]]);
});

it('asks about widgets of other libraries where there are widgets and peers may use them', async () => {
  const done = open([pane({ [ADA]: 'interact' }, { other_widgets: 'none' })], [WIDGET]);
  await screen.findByLabelText(/ada/);
  const choice = screen.getByLabelText<HTMLSelectElement>(/^Widgets that are not/);
  expect(choice.value).toBe('none');
  fireEvent.change(choice, { target: { value: 'all' } });
  dialogButton('Share').click();
  expect(await done).toBe(true);
  expect(shares).toMatchObject([[{ grant: 'interact', other_widgets: 'all' }, []]]);
});

it('leaves the choice about widgets as it is where it has no meaning', async () => {
  const done = open([pane({ [ADA]: 'interact' }, { other_widgets: 'none' })], [WIDGET]);
  await screen.findByLabelText(/ada/);
  fireEvent.click(box('view it'));
  expect(screen.queryByLabelText(/^Widgets that are not/)).toBeNull();
  dialogButton('Share').click();
  expect(await done).toBe(true);
  expect(shares[0][0]).not.toHaveProperty('other_widgets');

  void open([pane({ [ADA]: 'interact' })]);
  await screen.findByLabelText(/ada/);
  expect(screen.queryByLabelText(/^Widgets that are not/)).toBeNull();
  dialogButton('Cancel').click();
  await dialogClosed();
});
