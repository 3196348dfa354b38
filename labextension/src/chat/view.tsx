import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useAction, useNow, usePeersState, useView } from '../context';
import { displayName } from '../model';
import { Failure } from '../section';
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
  const { busy, error, run } = useAction();
  const [text, setText] = React.useState('');
  const lines = useLines(chat, peer.node_id, live, visible);
  const field = React.useRef<HTMLTextAreaElement>(null);
  React.useEffect(() => field.current?.focus(), []);
  const name = displayName(peer);
  const tooLong = new TextEncoder().encode(text).length > MAX_TEXT;
  const reason =
    peer.status !== 'connected'
      ? trans.__('%1 is not connected and would not receive a line.', name)
      : canChat(peer)
        ? tooLong
          ? trans.__('A line has at most 16 KiB.')
          : ''
        : trans.__('The version of %1 has no chat.', name);
  const submit = () => {
    if (text.trim() && !busy && live && !reason) {
      run(async () => {
        await chat.say(peer.node_id, text);
        setText('');
      });
    }
  };
  return (
    <div className="jp-Peers-chat">
      <Lines lines={lines} name={name} />
      <form
        className="jp-Peers-say"
        onSubmit={event => {
          event.preventDefault();
          submit();
        }}
      >
        <textarea
          ref={field}
          className="jp-Peers-textArea"
          rows={2}
          aria-label={trans.__('Write to %1', name)}
          placeholder={trans.__('Write to %1', name)}
          aria-invalid={tooLong}
          value={text}
          onChange={event => setText(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault();
              submit();
            }
          }}
        />
        <button
          type="submit"
          className="jp-mod-styled jp-mod-accept"
          disabled={busy || !live || !text.trim() || reason !== ''}
        >
          {trans.__('Send')}
        </button>
      </form>
      {reason && (
        <p className="jp-Peers-muted" role="status">
          {reason}
        </p>
      )}
      <Failure error={error} />
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
  const box = React.useRef<HTMLDivElement>(null);
  const newest = lines?.[lines.length - 1]?.number;
  React.useEffect(() => {
    box.current?.scrollTo?.({ top: box.current.scrollHeight });
  }, [newest]);
  return (
    // A box that scrolls is reached by the keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={box} className="jp-Peers-log" role="log" aria-label={name} tabIndex={0}>
      {lines?.length === 0 && (
        <p className="jp-Peers-muted">
          {trans.__('Nothing yet. Lines are kept until your Jupyter server stops.')}
        </p>
      )}
      {lines?.map(line => (
        <div key={line.number} className="jp-Peers-line" data-mine={line.mine}>
          <span className="jp-Peers-muted">{lineHead(line, name, now, trans)}</span>
          <span className="jp-Peers-lineText">{line.text}</span>
        </div>
      ))}
    </div>
  );
}

function lineHead(line: IChatLine, name: string, now: number, trans: TranslationBundle): string {
  const who = line.mine ? trans.__('You') : name;
  return trans.__('%1 · %2', who, relativeTime(Math.min(line.at, now), now, trans));
}
