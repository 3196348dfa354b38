import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { IView } from '../context';
import { peersIcon } from '../icon';
import { PeerError } from '../requests';
import { CommandIDs, DOMAIN, IPeerSession } from '../tokens';
import { currentCell, findCell, paneOf, shareCell, tellQuestion } from './cells';
import { askAndShare } from './dialog';
import { SharedMarks } from './marks';
import { CellRuns, ICellRun } from './runs';

/** Sharing a cell's output with the mouse, and a mark on the cells that are shared. */
export const sharingPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:sharing',
  description: 'Shares the output of a cell from its menu.',
  autoStart: true,
  requires: [IPeerSession, INotebookTracker],
  optional: [ICommandPalette, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { control, model }: IPeerSession,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    const runs = new CellRuns(tracker);
    new SharedMarks(view, tracker);

    commands.addCommand(CommandIDs.share, {
      label: trans.__('Share Output with a Peer…'),
      caption: trans.__('Show the output of this cell to people you have paired with, live'),
      icon: peersIcon,
      isEnabled: () => currentCell(tracker) !== null,
      execute: async () => {
        const shared = currentCell(tracker);
        if (shared) {
          await askAndShare(view, shared, sharing => shareCell(control, runs, shared, sharing));
        }
      }
    });
    palette?.addItem({ command: CommandIDs.share, category: trans.__('Peers') });

    /** Let the panes of a cell go on with its new run. */
    const goOn = async ({ kernelId, cellId, request }: ICellRun): Promise<void> => {
      const pane = paneOf(model.state.panes.mine, cellId);
      if (pane?.status === 'live' && pane.kernel_id === kernelId) {
        await control.request('run_again', {
          kernel_id: kernelId,
          cell_id: cellId,
          cell: request
        });
      } else if (pane?.status === 'ended') {
        const cell = findCell(tracker, kernelId, cellId);
        if (cell) {
          const { name, title } = pane;
          await shareCell(control, runs, cell, {
            name,
            title,
            with: [],
            grant: 'view',
            tracebacks: true
          });
        }
      }
    };
    runs.asked.connect((_, question) => tellQuestion(control, question));
    runs.started.connect((_, run) => {
      goOn(run).catch(reason => {
        const { message, hint } = PeerError.from(reason);
        Notification.warning(trans.__('The shared output did not go on: %1 (%2)', message, hint));
      });
    });
  }
};
