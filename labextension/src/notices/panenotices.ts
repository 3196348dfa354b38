import { Notification } from '@jupyterlab/apputils';
import { IView } from '../context';
import { displayName } from '../model';
import { watchersOf } from '../panes/audience';
import { IPeerSettings } from '../settings';
import { CommandIDs } from '../tokens';
import { onArrival } from './arrivals';

const SHOWN_MS = 15_000;

/**
 * Tell of panes that peers share, of people who open a pane of this node for the first time, and of
 * panes of this node that end with their kernel.
 */
export function notifyOfPanes(
  { commands, model, trans }: IView,
  settings: () => IPeerSettings,
  markNews: () => void
): void {
  const tell = (message: string, label: string, callback: () => void) =>
    Notification.info(message, { autoClose: SHOWN_MS, actions: [{ label, callback }] });

  onArrival(
    model,
    ({ panes }) =>
      panes.offered.map(pane => [`${pane.peer.node_id}/${pane.name}/${pane.since}`, pane]),
    ({ peer, name, title }) => {
      markNews();
      if (settings().notifyShared) {
        const words = trans.__('%1 shares “%2” with you.', displayName(peer), title || name);
        const open = () => void commands.execute(CommandIDs.openPane, { peer: peer.node_id, name });
        tell(words, trans.__('Open'), open);
      }
    }
  );
  onArrival(
    model,
    state =>
      state.panes.mine.flatMap(pane => {
        const what = pane.title || pane.name;
        // Guests come anew with each page that they open, so the first speaks for all.
        return watchersOf(pane, state, trans).map(
          ({ id, name, isGuest, isNamed }): [string, string] => [
            `${pane.name}/${isGuest ? 'guest' : id}`,
            isNamed
              ? trans.__('%1 opened “%2”.', name, what)
              : trans.__('A guest opened “%1”.', what)
          ]
        );
      }),
    words => {
      if (settings().notifyWatched) {
        const show = () => void commands.execute(CommandIDs.shared);
        tell(words, trans.__('Show'), show);
      }
    }
  );

  let live = new Set<string>();
  model.stateChanged.connect(() => {
    const { mine } = model.state.panes;
    const ended = mine.filter(({ name, status }) => status === 'ended' && live.has(name));
    live = new Set(mine.filter(({ status }) => status === 'live').map(({ name }) => name));
    if (ended.length > 0 && settings().notifyEnded) {
      const names = ended.map(({ name, title }) => trans.__('“%1”', title || name)).join(', ');
      const words = trans.__(
        'Peers see nothing new of %1: the kernel has stopped. Run the cell again to go on.',
        names
      );
      tell(words, trans.__('Show'), () => void commands.execute(CommandIDs.shared));
    }
  });
}
