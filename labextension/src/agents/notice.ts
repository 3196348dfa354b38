import { Notification } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { ApprovalsModel } from './model';

/**
 * Tell of each call of a tool that waits for the person, as long as it waits.
 *
 * A notification allows nothing: *Look…* shows the whole call, and only there is a yes.
 *
 * @param look - Shows a call.
 */
export function notifyOfApprovals(
  approvals: ApprovalsModel,
  trans: TranslationBundle,
  look: (id: number) => void,
  isWanted: () => boolean
): void {
  const shown = new Map<number, string>();
  approvals.arrived.connect((_, { id, agent, tool, peer_name }) => {
    if (isWanted()) {
      const words = trans.__('May your agent %1 call %2 for %3?', agent, tool, peer_name);
      const actions = [
        { label: trans.__('No'), callback: () => void approvals.decide(id, 'no') },
        { label: trans.__('Look…'), callback: () => look(id) }
      ];
      shown.set(id, Notification.warning(words, { autoClose: false, actions }));
    }
  });
  approvals.changed.connect(() => {
    for (const [id, notification] of shown) {
      if (!approvals.waiting(id)) {
        shown.delete(id);
        Notification.dismiss(notification);
      }
    }
  });
}
