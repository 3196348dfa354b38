import type { Cell, CodeCell } from '@jupyterlab/cells';
import { IMimeBundle, IOutput } from '@jupyterlab/nbformat';
import { INotebookTracker, type StaticNotebook } from '@jupyterlab/notebook';
import { ControlSocket } from '../control';
import { IOwnPane } from '../shapes';
import type { IAudience } from './fields';
import { CellRuns, ICellQuestion } from './runs';
import { showsSecret } from './secretwords';

/** A code cell of an open notebook whose kernel runs. */
export interface ISharedCell {
  cell: CodeCell;
  kernelId: string;
  /** Of its notebook, on the server. */
  path: string;
}

/** The cells that a person has selected and whose outputs can be shared, as they stand in the notebook. */
export function chosenCells({ currentWidget }: INotebookTracker): ISharedCell[] {
  const { content, context } = currentWidget ?? {};
  const kernel = context?.sessionContext.session?.kernel;
  const chosen = content?.widgets.filter(cell => content.isSelectedOrActive(cell)) ?? [];
  const cells = chosen.map(codeCell).filter(cell => cell !== null);
  const showing = cells.filter(cell => cell.model.outputs.length > 0);
  const shared = showing.length > 0 ? showing : cells.slice(0, 1);
  const path = context?.localPath;
  return kernel && path ? shared.map(cell => ({ cell, kernelId: kernel.id, path })) : [];
}

/** The place of the output that a node of the page belongs to; null where the cell has only one. */
export function outputAt(cell: CodeCell, node: Node | undefined): number | null {
  const { widgets } = cell.outputArea;
  const place = node ? widgets.findIndex(each => each.node.contains(node)) : -1;
  return place < 0 || cell.model.outputs.length < 2 ? null : place;
}

/** The cell if it is one of code; none for a cell whose model is gone, as while it is being deleted. */
function codeCell(cell: Cell | null | undefined): CodeCell | null {
  return cell && !cell.model.isDisposed && cell.model.type === 'code' ? (cell as CodeCell) : null;
}

/** The cell with this id in an open notebook of this path, if its kernel runs. */
export function findCell(
  tracker: INotebookTracker,
  path: string,
  cellId: string
): ISharedCell | null {
  const panel = tracker.find(({ context }) => context.localPath === path);
  const kernelId = panel?.sessionContext.session?.kernel?.id;
  const cell = codeCell(panel?.content.widgets.find(each => each.model.id === cellId));
  return cell && kernelId !== undefined ? { cell, kernelId, path } : null;
}

/**
 * The panes that stay with a cell: of all its outputs, and of single ones.
 *
 * @param path - Of its notebook: a copy of it has cells of the same ids, which nobody has shared.
 */
export function panesOf(panes: readonly IOwnPane[], path: string, cellId: string): IOwnPane[] {
  return panes.filter(pane => pane.cell_id === cellId && pane.path === path);
}

/** A person's choices for a cell. */
export interface ISharing extends IAudience {
  name: string;
  title: string;
  /** Whether errors show their traceback; not given, a pane that is shared again keeps the choice. */
  tracebacks?: boolean;
  /** The place of the one output that is shared; null for all of the cell. */
  output: number | null;
}

/** Share what a cell shows now, and what it will show. */
export async function shareCell(
  control: ControlSocket,
  runs: CellRuns,
  { cell, kernelId, path }: ISharedCell,
  sharing: ISharing
): Promise<void> {
  const cellId = cell.model.id;
  // From here on the server remembers what the kernel says, so nothing is lost in between.
  await control.request('hear', { kernel_id: kernelId });
  const run = runs.last(kernelId, cellId);
  await control.request('share', {
    ...sharing,
    kernel_id: kernelId,
    cell_id: cellId,
    path,
    cell: run?.request ?? null,
    outputs: outputsOf(cell),
    loaders: loadersOf(cell),
    known: run?.shown ?? []
  });
  const question = runs.question(kernelId);
  if (question) {
    tellQuestion(control, question);
  }
}

/** Tell the panes of a cell that it waits for its owner; other cells have none, which is no error. */
export function tellQuestion(
  control: ControlSocket,
  { kernelId, request, prompt }: ICellQuestion
): void {
  control.tell('wait_for_owner', { kernel_id: kernelId, cell: request, prompt });
}

/** The outputs of a cell, each with its display id, so that a later update finds it. */
export function outputsOf(cell: CodeCell): IOutput[] {
  const outputs = cell.model.outputs.toJSON();
  // JupyterLab has no public way to ask for it.
  const { _displayIdMap: displays } = cell.outputArea as unknown as {
    _displayIdMap?: Map<string, number[]>;
  };
  displays?.forEach((places, displayId) => {
    for (const place of places) {
      if (outputs[place]) {
        outputs[place].transient = { display_id: displayId };
      }
    }
  });
  return outputs;
}

/** MIME types by which a library marks what it loads into a page. */
const LOADS = /_load\.v\d+\+json$/;
const MAX_LOADERS = 256;

/** Outputs by which other cells may have loaded a library into the page; the server selects them. */
function loadersOf(shared: CodeCell): IMimeBundle[] {
  const cells = (shared.parent as StaticNotebook | null)?.widgets ?? [];
  return cells
    .filter(cell => cell !== shared && cell.model.type === 'code')
    .flatMap(cell => (cell as CodeCell).model.outputs.toJSON())
    .map(output => (output.data ?? {}) as IMimeBundle)
    .filter(data => {
      const html = String(data['text/html'] ?? '');
      const isConfig = /^\W*(window\.)?require/.test(String(data['application/javascript'] ?? ''));
      return (
        isConfig ||
        /^\s*<(script|link)/.test(html) ||
        Object.keys(data).some(each => LOADS.test(each))
      );
    })
    .slice(-MAX_LOADERS);
}

/** A title for a cell's pane: its first comment, else its first line that does something; at most 60 characters. */
export function titleOf(cell: CodeCell): string {
  const lines = cell.model.sharedModel.source.split('\n').map(line => line.trim());
  const said = lines.find(line => /^#+\s*\w/.test(line))?.replace(/^[#\s]+/, '');
  const title = said ?? lines.find(line => !/^(import\b|from\b|%|$)/.test(line)) ?? '';
  return title.length > 60 ? `${title.slice(0, 59)}…` : title;
}

/** A name that no pane has yet, made from the title. */
export function nameOf(title: string, taken: readonly string[]): string {
  const base =
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 32)
      .replace(/^-+|-+$/g, '') || 'output';
  let name = base;
  for (let n = 2; taken.includes(name); n++) {
    name = `${base}-${n}`;
  }
  return name;
}

/** Why a person should look twice before others see the outputs. */
export function doubts(outputs: readonly IOutput[]): { error: boolean; secret: boolean } {
  return {
    error: outputs.some(output => output.output_type === 'error'),
    secret: outputs.some(output => showsSecret(plainText(output)))
  };
}

/** All texts of an output; a line of it begins with its own first letter, not with that of an escape. */
function plainText(output: IOutput): string {
  return JSON.stringify(output).replace(/\\[nrt]/g, ' ');
}
