import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { IView } from '../context';
import { peersIcon } from '../icon';
import { PeerError } from '../requests';
import { CommandIDs, DOMAIN, IPeerSession } from '../tokens';
import { failureLine } from '../wording';
import { chosenCells, findCell, outputAt, panesOf, shareCell, tellQuestion } from './cells';
import { askAndShare } from './dialog';
import { SharedMarks } from './marks';
import { currentNotebook, presentedPane, Presenter } from './presenting';
import { CellRuns, ICellRun } from './runs';

/** Sharing a cell's output with the mouse, and a mark on the cells that are shared. */
export const sharingPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:sharing',
  description: 'Shares the output of a cell from its menu.',
  autoStart: true,
  requires: [IPeerSession, INotebookTracker],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    { control, model }: IPeerSession,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const { commands } = app;
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    /** As JupyterLab's own commands of notebooks: none acts on one behind a console or a pane. */
    const isInFront = () => tracker.currentWidget === app.shell.currentWidget;
    app.shell.currentChanged?.connect(() => {
      [CommandIDs.share, CommandIDs.present].forEach(id => commands.notifyCommandChanged(id));
    });
    const runs = new CellRuns(tracker);
    new SharedMarks(view, tracker);

    commands.addCommand(CommandIDs.share, {
      label: () => {
        const { length } = chosenCells(tracker);
        return length > 1
          ? trans.__('Share Outputs of %1 Cells with a Peer…', length)
          : trans.__('Share Output with a Peer…');
      },
      caption: trans.__('Show the output of this cell to people you have paired with, live'),
      icon: peersIcon,
      isEnabled: ({ toolbar }) =>
        (toolbar === true || isInFront()) && chosenCells(tracker).length > 0,
      execute: async ({ clicked }) => {
        const cells = chosenCells(tracker);
        const node = clicked ? app.contextMenuHitTest(() => true) : undefined;
        const output = cells.length === 1 ? outputAt(cells[0].cell, node) : null;
        if (cells.length > 0) {
          await askAndShare(view, cells, output, async (cell, sharing, revoked) => {
            for (const peer of revoked) {
              await control.request('grant', { name: sharing.name, peer, grant: 'none' });
            }
            await shareCell(control, runs, cell, sharing);
          });
        }
      }
    });
    palette?.addItem({ command: CommandIDs.share, category: trans.__('Peers') });

    const presenter = new Presenter(view, control);
    const presented = () => presentedPane(model.state.panes.mine, currentNotebook(tracker));
    commands.addCommand(CommandIDs.present, {
      label: trans.__('Present This Notebook to a Peer…'),
      caption: trans.__('Show the outputs of the cells that run from now on as one pane'),
      icon: peersIcon,
      isEnabled: () => isInFront() && currentNotebook(tracker) !== null,
      isVisible: () => presented() === undefined,
      execute: async () => {
        const notebook = currentNotebook(tracker);
        await (notebook && presenter.ask(notebook));
      }
    });
    commands.addCommand(CommandIDs.stopPresenting, {
      label: trans.__('Stop Presenting to Peers…'),
      caption: trans.__('Take the presented notebook back from everybody'),
      isVisible: () => presented() !== undefined,
      execute: () => commands.execute(CommandIDs.unshare, { name: presented()?.name ?? '' })
    });
    for (const command of [CommandIDs.present, CommandIDs.stopPresenting]) {
      palette?.addItem({ command, category: trans.__('Peers') });
    }

    const cellOf = (name: unknown) => {
      const pane = model.state.panes.mine.find(each => each.name === name);
      const { cell_id: cellId = null, path = null } = pane ?? {};
      return cellId !== null && path !== null ? findCell(tracker, path, cellId) : null;
    };
    commands.addCommand(CommandIDs.showCell, {
      label: trans.__('Show Its Cell'),
      isVisible: ({ name }) => cellOf(name) !== null,
      execute: async ({ name }) => {
        const cell = cellOf(name)?.cell;
        const notebook = tracker.find(each => cell !== undefined && each.content.contains(cell));
        if (cell && notebook) {
          app.shell.activateById(notebook.id);
          notebook.content.activeCellIndex = notebook.content.widgets.indexOf(cell);
          await notebook.content.scrollToCell(cell);
        }
      }
    });

    /** Let the panes of a cell go on with its new run. */
    const goOn = async ({ kernelId, cellId, path, request }: ICellRun): Promise<void> => {
      const panes = panesOf(model.state.panes.mine, path, cellId);
      if (panes.some(pane => pane.status === 'live' && pane.kernel_id === kernelId)) {
        await control.request('run_again', {
          kernel_id: kernelId,
          cell_id: cellId,
          cell: request,
          path
        });
      }
      const cell = findCell(tracker, path, cellId);
      for (const { name, output, status, title } of panes) {
        if (cell && status === 'ended') {
          const again = { name, title, output, with: [], grant: 'view' };
          await shareCell(control, runs, cell, again);
        }
      }
    };
    runs.asked.connect((_, question) => tellQuestion(control, question));
    runs.started.connect((_, run) => {
      Promise.all([goOn(run), presenter.onRun(run)]).catch(reason => {
        const line = failureLine(PeerError.from(reason), trans);
        Notification.warning(trans.__('The shared output did not go on. %1', line));
      });
    });
  }
};
