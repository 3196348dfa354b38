import { fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { IOwnPane } from '../shapes';
import { presentedPane, Presenter } from '../sharing/presenting';
import { FakeSocket, ownPane, peer } from './fakes';
import {
  answered,
  dialogButton,
  dialogClosed,
  endSession,
  ISession,
  openSession,
  picture,
  say
} from './session';

const BOB = peer().node_id;
const NOTEBOOK = { title: 'class.ipynb', path: 'a/class.ipynb', kernelId: 'k' };
const RUN = { kernelId: 'k', path: 'a/class.ipynb', cellId: 'c', request: 'run-1' };

const pane = (change: Partial<IOwnPane> = {}) =>
  ownPane({ name: 'class', path: 'a/class.ipynb', presented_by: 'page', ...change });

let session: ISession;
let presenter: Presenter;

afterEach(() => endSession(session));

async function open(...mine: IOwnPane[]): Promise<void> {
  session = await openSession(picture([peer()], { mine, offered: [] }));
  presenter = new Presenter(session.view, session.control);
}

const told = () => FakeSocket.last.sent.filter(({ op }) => op === 'present_cell');

describe('a notebook', () => {
  it('is presented to those who are chosen, without its code', async () => {
    await open();
    void presenter.ask(NOTEBOOK);
    await screen.findByLabelText(/bob/);
    fireEvent.click(screen.getByLabelText('view it and use its controls'));
    dialogButton('Present').click();
    expect(await answered('share', {})).toEqual({
      name: 'class',
      title: 'class',
      tracebacks: false,
      with: [BOB],
      grant: 'interact',
      other_widgets: 'values',
      kernel_id: 'k',
      path: 'a/class.ipynb',
      notebook: true
    });
    await dialogClosed();
    // A cell that runs before the page hears of the pane is not lost; one after its stop is nobody's.
    void presenter.onRun(RUN);
    const named = { kernel_id: 'k', name: 'class', cell: 'run-1' };
    expect(await answered('present_cell', {})).toEqual(named);
    await say({ event: 'panes', data: { mine: [pane()], offered: [] } });
    await say({ event: 'panes', data: { mine: [], offered: [] } });
    await presenter.onRun(RUN);
    expect(told()).toEqual([]);
  });

  it('shows in its pane each cell that runs in it, from whichever page it was presented', async () => {
    await open(pane());
    void presenter.onRun(RUN);
    const named = { kernel_id: 'k', name: 'class', cell: 'run-1' };
    expect(await answered('present_cell', {})).toEqual(named);
    await presenter.onRun({ ...RUN, path: 'a/copy.ipynb' });
    await presenter.onRun({ ...RUN, kernelId: 'k2' });
    expect(told()).toEqual([]);
  });

  it('goes on when a cell runs after its kernel has restarted, and keeps its choices', async () => {
    await open(pane({ status: 'ended', title: 'Class' }));
    void presenter.onRun(RUN);
    const again = await answered('share', {});
    expect(again).toMatchObject({ name: 'class', title: 'Class', with: [], notebook: true });
    expect(again).not.toHaveProperty('tracebacks');
    expect(await answered('present_cell', {})).toMatchObject({ cell: 'run-1' });
  });

  it('that a cell presents is left to its kernel, and can be stopped', async () => {
    await open(pane({ presented_by: 'kernel', path: null }));
    await presenter.onRun(RUN);
    expect(told()).toEqual([]);
    const { mine } = session.model.state.panes;
    expect(presentedPane(mine, NOTEBOOK)?.name).toBe('class');
    expect(presentedPane(mine, { ...NOTEBOOK, kernelId: 'k2' })).toBeUndefined();
    expect(presentedPane(mine, null)).toBeUndefined();
  });
});
