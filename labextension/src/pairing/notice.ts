import { Notification } from '@jupyterlab/apputils';
import { IView } from '../context';
import { displayName } from '../model';
import { onArrival } from '../notices/arrivals';
import { CommandIDs } from '../tokens';
import { PairingModel } from './model';

const SHOWN_MS = 15_000;

/** Tell that somebody has redeemed an invite of this node; who pairs in this page is told there. */
export function notifyOfPairing(
  { commands, model, trans }: IView,
  pairing: PairingModel,
  isWanted: () => boolean
): void {
  onArrival(
    model,
    ({ peers }) => peers.filter(peer => peer.trusted).map(peer => [peer.node_id, peer]),
    peer => {
      if (isWanted() && !pairing.isPairing(peer.node_id)) {
        const actions = [
          { label: trans.__('Show'), callback: () => void commands.execute(CommandIDs.open) }
        ];
        const words = trans.__('%1 is paired with you now.', displayName(peer));
        Notification.success(words, { autoClose: SHOWN_MS, actions });
      }
    }
  );
}
