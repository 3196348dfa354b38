import { Dialog, showDialog } from '@jupyterlab/apputils';
import { stopIcon } from '@jupyterlab/ui-components';
import { IView } from '../context';
import { ControlSocket } from '../control';
import { orShowFailure } from '../panel/dialog';
import { CommandIDs } from '../tokens';
import { audienceWords } from './audience';

/** Add the commands that stop sharing: one pane, named by the argument `name`, or all. */
export function addStopping({ commands, model, trans }: IView, control: ControlSocket): void {
  const ask = async (title: string, body: string): Promise<boolean> => {
    const { button } = await showDialog({
      title,
      body,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Go on sharing') }),
        Dialog.warnButton({ label: trans.__('Stop') })
      ],
      defaultButton: 0
    });
    return button.accept;
  };
  const stop = (name: string) =>
    orShowFailure(trans.__('%1 could not be stopped', name), trans, () =>
      control.request('unshare', { name })
    );

  commands.addCommand(CommandIDs.unshare, {
    label: trans.__('Stop Sharing…'),
    caption: trans.__('Take a shared output back from everybody'),
    execute: async ({ name }) => {
      const pane = model.state.panes.mine.find(each => each.name === name);
      const title = pane && trans.__('Stop sharing “%1”?', pane.title || pane.name);
      const body =
        pane &&
        trans.__('%1. It goes blank for everybody.', audienceWords(pane, model.state, trans));
      if (pane && (await ask(title!, body!))) {
        await stop(pane.name);
      }
    }
  });
  commands.addCommand(CommandIDs.unshareAll, {
    label: trans.__('Stop Sharing with All Peers…'),
    caption: trans.__('Take all shared outputs back from everybody'),
    icon: stopIcon,
    isVisible: () => model.state.panes.mine.length > 0,
    execute: async () => {
      const { mine } = model.state.panes;
      const title = trans._n('Stop sharing %1 output?', 'Stop sharing %1 outputs?', mine.length);
      const body = trans._n(
        'It goes blank for everybody.',
        'They go blank for everybody.',
        mine.length
      );
      if (await ask(title, body)) {
        await Promise.all(mine.map(({ name }) => stop(name)));
      }
    }
  });
}
