import { Notification } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { IChats, Unread } from '../chat/model';
import { displayName } from '../model';
import { IChatLine } from '../shapes';

const EXCERPT = 100;

/**
 * Tell of lines that came while nobody looked: one notification a peer, with a button that opens the
 * conversation. It goes once the lines are read. JupyterLab shows its message as plain text.
 */
export function notifyOfChats(
  chats: IChats,
  trans: TranslationBundle,
  open: (nodeId: string) => void,
  isWanted: () => boolean = () => true
): void {
  const shown = new Map<string, string>();
  chats.lineArrived.connect((_, line: IChatLine) => {
    const nodeId = line.peer.node_id;
    if (chats.isWatched(nodeId) || !isWanted()) {
      return;
    }
    const message = trans.__('%1: %2', displayName(line.peer), excerpt(line.text));
    const known = shown.get(nodeId);
    // One that was dismissed or has run out is not there to be updated.
    if (known === undefined || !Notification.update({ id: known, message })) {
      const label = trans.__('Open');
      const actions = [{ label, callback: () => open(nodeId) }];
      shown.set(nodeId, Notification.info(message, { autoClose: 15_000, actions }));
    }
  });
  chats.unreadChanged.connect((_, unread: Unread) => {
    for (const [nodeId, id] of shown) {
      if (!unread[nodeId]) {
        shown.delete(nodeId);
        Notification.dismiss(id);
      }
    }
  });
}

function excerpt(text: string): string {
  const words = text.replace(/\s+/g, ' ').trim();
  return words.length > EXCERPT ? `${words.slice(0, EXCERPT - 1)}…` : words;
}
