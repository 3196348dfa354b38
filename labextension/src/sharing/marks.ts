import type { Cell } from '@jupyterlab/cells';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { IView } from '../context';
import { IOwnPane } from '../shapes';
import { CommandIDs } from '../tokens';
import { audienceWords, linksOf, mayView } from '../panes/audience';
import { peersIcon } from '../icon';
import { afterPress } from '../press';
import { panesOf } from './cells';

const MARK = 'jp-Peers-cellMark';

/** Marks each cell whose output others can see. */
export class SharedMarks {
  constructor(
    private readonly _view: IView,
    private readonly _tracker: INotebookTracker
  ) {
    _view.model.stateChanged.connect(() => afterPress(this._draw));
    _tracker.widgetAdded.connect((_, panel) => this._follow(panel));
    _tracker.forEach(panel => this._follow(panel));
  }

  private _follow(panel: NotebookPanel): void {
    // Cells come when the file is read, and as people add them.
    panel.content.modelContentChanged.connect(this._drawSoon);
    void panel.revealed.then(() => this._draw());
  }

  /** Draw after the task: a model reports a cell before the notebook has a widget for it. */
  private readonly _drawSoon = (): void => {
    if (!this._isDue) {
      this._isDue = true;
      queueMicrotask(() => {
        this._isDue = false;
        this._draw();
      });
    }
  };

  private readonly _draw = (): void => {
    const { mine } = this._view.model.state.panes;
    const live = mine.filter(pane => pane.status === 'live');
    this._tracker.forEach(({ content, context }) => {
      for (const cell of content.widgets) {
        this._mark(cell, panesOf(live, context.localPath, cell.model.id));
      }
    });
  };

  private _mark(cell: Cell, panes: IOwnPane[]): void {
    const marks = [...cell.node.querySelectorAll<HTMLButtonElement>(`:scope > .${MARK}`)];
    marks.slice(panes.length).forEach(mark => mark.remove());
    panes.forEach((pane, index) => this._fill(marks[index] ?? this._add(cell), pane));
  }

  private _add(cell: Cell): HTMLButtonElement {
    const mark = document.createElement('button');
    mark.className = MARK;
    mark.type = 'button';
    const icon = peersIcon.element({ tag: 'span', width: '14px', height: '14px' });
    mark.append(icon, document.createElement('span'));
    cell.node.append(mark);
    return mark;
  }

  private _fill(mark: HTMLButtonElement, pane: IOwnPane): void {
    const { commands, model, trans } = this._view;
    const words = audienceWords(pane, model.state, trans);
    mark.lastElementChild!.textContent =
      pane.output === null ? words : trans.__('Output %1 · %2', pane.output + 1, words);
    const title = pane.title || pane.name;
    const may = mayView(pane, model.state).map(id => model.nameOf(id));
    if (linksOf(pane, model.state.links).length > 0) {
      may.push(trans.__('anyone with the link'));
    }
    mark.title =
      may.length > 0
        ? trans.__('Shared as “%1” with %2. Click to stop.', title, may.join(', '))
        : trans.__('Shared as “%1”. Click to stop.', title);
    mark.onclick = () => void commands.execute(CommandIDs.unshare, { name: pane.name });
  }

  private _isDue = false;
}
