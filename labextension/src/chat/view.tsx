import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useNow, usePeersState, useView } from '../context';
import { Compose, Line, Log } from '../conversation';
import { displayName } from '../model';
import { IChatLine, IChats, IPeer } from '../shapes';
import { relativeTime } from '../wording';
import { ChatModel } from './model';

/** The longest line that the server accepts, in bytes of UTF-8. */
export const MAX_TEXT = 16 * 1024;

/** Whether the version of a peer has chat. */
export function canChat(peer: IPeer): boolean {
  return peer.capabilities.includes('chat');
}

/** The conversation with one peer. Lines are text: React shows them as they are. */
export function ChatView(props: {
  chat: ChatModel;
  peer: IPeer;
  visible: boolean;
}): React.ReactElement {
  const { chat, peer, visible } = props;
  const { trans } = useView();
  const { live } = usePeersState();
  const lines = useLines(chat, peer.node_id, live, visible);
  const name = displayName(peer);
  const reasonAgainst = (text: string): string => {
    if (peer.status !== 'connected') {
      return trans.__('%1 is not connected and would not receive a line.', name);
    }
    if (!canChat(peer)) {
      return trans.__('The version of %1 has no chat.', name);
    }
    const tooLong = new TextEncoder().encode(text).length > MAX_TEXT;
    return tooLong ? trans.__('A line has at most 16 KiB.') : '';
  };
  return (
    <div className="jp-Peers-chat">
      <Lines lines={lines} name={name} />
      <Compose
        label={trans.__('Write to %1', name)}
        action={trans.__('Send')}
        reasonAgainst={reasonAgainst}
        send={text => chat.say(peer.node_id, text)}
      />
    </div>
  );
}

/** The lines with a peer, read again at each change; they count as read while they can be seen. */
function useLines(
  chat: ChatModel,
  nodeId: string,
  live: boolean,
  visible: boolean
): IChatLine[] | null {
  const [lines, setLines] = React.useState<IChatLine[] | null>(null);
  React.useEffect(() => {
    let current = true;
    const load = () => {
      const seen = visible && document.visibilityState !== 'hidden';
      chat.lines(nodeId, seen).then(
        found => current && setLines(found),
        // An interruption; it is read again when that is over.
        () => undefined
      );
    };
    const onChat = (_: unknown, chats: IChats) => {
      if (chats.lines.some(line => line.peer.node_id === nodeId)) {
        load();
      }
    };
    if (live) {
      load();
    }
    chat.changed.connect(onChat);
    document.addEventListener('visibilitychange', load);
    return () => {
      current = false;
      chat.changed.disconnect(onChat);
      document.removeEventListener('visibilitychange', load);
    };
  }, [chat, nodeId, live, visible]);
  return lines;
}

function Lines(props: { lines: IChatLine[] | null; name: string }): React.ReactElement {
  const { lines, name } = props;
  const { trans } = useView();
  const now = useNow();
  return (
    <Log name={name} end={lines?.[lines.length - 1]?.number}>
      {lines?.length === 0 && (
        <p className="jp-Peers-muted">
          {trans.__('Nothing yet. Lines are kept until your Jupyter server stops.')}
        </p>
      )}
      {lines?.map(line => (
        <Line
          key={line.number}
          mine={line.mine}
          head={lineHead(line, name, now, trans)}
          text={line.text}
        />
      ))}
    </Log>
  );
}

function lineHead(line: IChatLine, name: string, now: number, trans: TranslationBundle): string {
  const who = line.mine ? trans.__('You') : name;
  return trans.__('%1 · %2', who, relativeTime(Math.min(line.at, now), now, trans));
}
