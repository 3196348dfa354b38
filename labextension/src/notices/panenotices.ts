import { Notification } from '@jupyterlab/apputils';
import { IView } from '../context';
import { displayName } from '../model';
import { IPeerSettings } from '../settings';
import { CommandIDs } from '../tokens';
import { onArrival } from './arrivals';

const SHOWN_MS = 15_000;

/** Tell of panes that peers share, and of peers who open a pane of this node for the first time. */
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
    ({ panes }) =>
      panes.mine.flatMap(pane =>
        pane.viewers.map(({ node_id, node_name }): [string, { who: string; what: string }] => [
          `${pane.name}/${node_id}`,
          {
            who: displayName(model.peer(node_id) ?? { node_id, node_name, alias: null }),
            what: pane.title || pane.name
          }
        ])
      ),
    ({ who, what }) => {
      if (settings().notifyWatched) {
        const show = () => void commands.execute(CommandIDs.shared);
        tell(trans.__('%1 opened “%2”.', who, what), trans.__('Show'), show);
      }
    }
  );
}
