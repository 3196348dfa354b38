import type { CodeCell } from '@jupyterlab/cells';
import { screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { ISharedCell, ISharing } from '../sharing/cells';
import { askAndShare } from '../sharing/dialog';
import { Grant, IOwnPane } from '../shapes';
import { peer } from './fakes';
import { dialogButton, dialogClosed, endSession, ISession, openSession, picture } from './session';

const ADA = 'node-of-ada-1234';
const BOB = 'node-of-bob-1234';

const people = [peer({ node_id: ADA, node_name: 'ada' }), peer({ node_id: BOB, node_name: 'bob' })];

const cell = {
  kernelId: 'k',
  path: 'a.ipynb',
  cell: {
    model: { id: 'c', outputs: { toJSON: () => [] }, sharedModel: { source: 'plot()' } },
    outputArea: {}
  } as unknown as CodeCell
} satisfies ISharedCell;

function pane(grants: Record<string, Grant>): IOwnPane {
  const name = 'plot';
  return {
    name,
    title: 'Loss',
    rev: 1,
    status: 'live',
    kernel_id: 'k',
    cell_id: 'c',
    path: 'a.ipynb',
    output: null,
    failed: false,
    viewers: [],
    grants
  };
}

let session: ISession;
let shares: [ISharing, string[]][];

afterEach(() => endSession(session));

/** Open the dialog of a cell that has these panes. */
function open(mine: IOwnPane[]): Promise<boolean> {
  shares = [];
  return openSession(picture(people, { mine, offered: [] })).then(opened => {
    session = opened;
    return askAndShare(session.view, [cell], null, async (_, sharing, revoked) => {
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
