import type { Cell } from '@jupyterlab/cells';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { afterEach, expect, it } from 'vitest';
import { chosenCells } from '../sharing/cells';
import { SharedMarks } from '../sharing/marks';
import { ownPane, peer } from './fakes';
import { endSession, ISession, openSession, picture, say } from './session';

const PANE = ownPane({
  title: 'Loss',
  cell_id: 'c1',
  path: 'a.ipynb',
  grants: { [peer().node_id]: 'view' }
});

let session: ISession;

afterEach(() => endSession(session));

function cell(id: string, model: object = {}): Cell {
  const node = document.createElement('div');
  return { node, model: { id, type: 'code', outputs: [{}], ...model } } as unknown as Cell;
}

/** A notebook whose cells the test adds and deletes. */
function notebook(path: string, ...widgets: Cell[]) {
  const changed = new Signal<unknown, void>({});
  const content = { widgets, modelContentChanged: changed, isSelectedOrActive: () => true };
  const sessionContext = { session: { kernel: { id: 'k' } } };
  const context = { localPath: path, sessionContext };
  return { content, context, sessionContext, changed, revealed: Promise.resolve() };
}

function tracker(...panels: ReturnType<typeof notebook>[]): INotebookTracker {
  return {
    currentWidget: panels[0],
    widgetAdded: new Signal<unknown, unknown>({}),
    forEach: (take: (each: unknown) => void) => panels.forEach(take)
  } as unknown as INotebookTracker;
}

const marks = ({ content }: ReturnType<typeof notebook>) =>
  content.widgets.map(({ node }) => node.querySelector('.jp-Peers-cellMark')?.textContent ?? '');

async function start(...panels: ReturnType<typeof notebook>[]): Promise<void> {
  session = await openSession(picture([peer()], { mine: [PANE], offered: [] }));
  new SharedMarks(session.view, tracker(...panels));
  await Promise.resolve();
}

it('marks the shared cell, and not that of a copy of its notebook', async () => {
  const [original, copy] = ['a.ipynb', 'a-Copy1.ipynb'].map(each => notebook(each, cell('c1')));
  await start(original, copy);
  expect([marks(original), marks(copy)]).toEqual([['1 peer can view it'], ['']]);
  const moved = { ...PANE, path: 'a-Copy1.ipynb' };
  await say({ event: 'panes', data: { mine: [moved], offered: [] } });
  expect([marks(original), marks(copy)]).toEqual([[''], ['1 peer can view it']]);
});

it('marks a shared cell that comes back: its model is there before its widget', async () => {
  const panel = notebook('a.ipynb', cell('c2'));
  await start(panel);
  panel.changed.emit();
  panel.content.widgets.push(cell('c1'));
  await Promise.resolve();
  expect(marks(panel)).toEqual(['', '1 peer can view it']);
});

it('offers no cell that is being deleted, whose outputs are gone', async () => {
  const gone = cell('c1', { outputs: null, isDisposed: true });
  const panel = notebook('a.ipynb', gone, cell('c2'));
  await start(panel);
  expect(chosenCells(tracker(panel)).map(each => each.cell.model.id)).toEqual(['c2']);
});
