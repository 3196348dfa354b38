import { ellipsesIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IChats, Unread } from '../chat/model';
import { useFollowed, useNow, usePeersState, useView } from '../context';
import { contextMenu, openMenu } from '../menu';
import { displayName } from '../model';
import { CopyButton, IconButton, RowToggle } from '../section';
import { IPeer } from '../shapes';
import { CommandIDs } from '../tokens';
import { failureLine, lastSeen, pathWord, peerSummary, roundTrip, trustWord } from '../wording';

const NOTHING_UNREAD: Unread = {};
const ACTIONS = [
  [CommandIDs.chat, CommandIDs.ask, CommandIDs.doctor, CommandIDs.activity],
  [CommandIDs.connect, CommandIDs.disconnect, CommandIDs.alias],
  [CommandIDs.block, CommandIDs.unblock, CommandIDs.forget]
];

/** The live list of peers, each with a menu of what can be done and the details below it. */
export function PeerList(props: {
  showOffline: boolean;
  chats: IChats | null;
}): React.ReactElement {
  const { trans } = useView();
  const { peers } = usePeersState();
  const now = useNow();
  const shown = peers.filter(
    peer => props.showOffline || (peer.status !== 'offline' && peer.status !== 'blocked')
  );
  const hidden = peers.length - shown.length;
  if (peers.length === 0) {
    return (
      <p className="jp-Peers-empty">
        {trans.__(
          'Nobody yet. Invite a peer, or pair with an invite that somebody sent you. You then share single outputs, never your server.'
        )}
      </p>
    );
  }
  return (
    <>
      <ul className="jp-Peers-list" aria-label={trans.__('Peers')}>
        {shown.map(peer => (
          <PeerRow key={peer.node_id} peer={peer} now={now} chats={props.chats} />
        ))}
      </ul>
      {hidden > 0 && (
        <p className="jp-Peers-empty">
          {trans._n(
            '%1 offline peer is hidden by the settings.',
            '%1 offline peers are hidden by the settings.',
            hidden
          )}
        </p>
      )}
    </>
  );
}

function PeerRow(props: { peer: IPeer; now: number; chats: IChats | null }): React.ReactElement {
  const { chats, peer, now } = props;
  const { commands, trans } = useView();
  const { live } = usePeersState();
  const [open, setOpen] = React.useState(false);
  const detailsId = React.useId();
  const name = displayName(peer);
  // Nobody knows how a peer is while the own server does not answer.
  const summary = live ? peerSummary(peer, now, trans) : [trans.__('Not known')];
  // The dot says that a peer is connected; in a narrow panel the path has to be readable.
  const connected = live && peer.status === 'connected';
  const [status, ...facts] = summary;
  const menu = { commands, groups: ACTIONS, args: { peer: peer.node_id } };
  return (
    <li
      className="jp-Peers-peer"
      data-status={live ? peer.status : 'unknown'}
      data-node-id={peer.node_id}
      onContextMenu={contextMenu(menu)}
    >
      <div className="jp-Peers-row">
        <RowToggle
          open={open}
          onToggle={() => setOpen(!open)}
          controls={detailsId}
          name={name}
          summary={summary.join(' · ')}
        >
          <span className={connected ? 'jp-sr-only' : undefined}>{status}</span>
          {facts.map((fact, index) => (
            <React.Fragment key={index}>
              {connected && index === 0 ? <span className="jp-sr-only"> · </span> : ' · '}
              {fact}
            </React.Fragment>
          ))}
        </RowToggle>
        {chats && <UnreadButton chats={chats} peer={peer} />}
        <IconButton
          icon={ellipsesIcon}
          label={trans.__('Actions for %1', name)}
          aria-haspopup="menu"
          onClick={event => {
            const { left, bottom } = event.currentTarget.getBoundingClientRect();
            openMenu(menu, left, bottom);
          }}
        />
      </div>
      <div id={detailsId} hidden={!open}>
        {open && <Details peer={peer} now={now} />}
      </div>
    </li>
  );
}

/** The number of unread lines of a peer; a click opens the conversation. */
function UnreadButton(props: { chats: IChats; peer: IPeer }): React.ReactElement | null {
  const { chats, peer } = props;
  const { commands, trans } = useView();
  const unread = useFollowed(chats.unreadChanged, () => chats.unread ?? NOTHING_UNREAD);
  const count = unread[peer.node_id] ?? 0;
  if (count === 0) {
    return null;
  }
  const words = trans._n('%1 unread line', '%1 unread lines', count);
  return (
    <button
      type="button"
      className="jp-Peers-unread"
      title={words}
      onClick={() => void commands.execute(CommandIDs.chat, { peer: peer.node_id })}
    >
      <span aria-hidden="true">{count}</span>
      <span className="jp-sr-only">{words}</span>
    </button>
  );
}

function Details({ peer, now }: { peer: IPeer; now: number }): React.ReactElement {
  const { trans } = useView();
  const connected = peer.status === 'connected';
  const path = [
    pathWord(peer.transport, trans),
    peer.rtt_ms === null ? '' : trans.__('%1 round trip', roundTrip(peer.rtt_ms))
  ];
  return (
    <dl className="jp-Peers-details">
      <dt>{trans.__('Node id')}</dt>
      <dd>
        <code>{peer.node_id}</code>
        <CopyButton text={peer.node_id} label={trans.__('Copy the node id')} />
      </dd>
      {(peer.alias || peer.calls_itself) && (
        <Fact name={trans.__('Calls itself')}>{peer.calls_itself ?? peer.node_name}</Fact>
      )}
      {connected && <Fact name={trans.__('Path')}>{path.filter(Boolean).join(', ')}</Fact>}
      {peer.address && (
        <Fact name={trans.__('Address')}>
          <code>{peer.address}</code>
        </Fact>
      )}
      <Fact name={trans.__('Last seen')}>
        {connected ? trans.__('now') : lastSeen(peer, now, trans)}
      </Fact>
      {!connected && peer.last_error && (
        <Fact name={trans.__('Last attempt')}>{failureLine(peer.last_error, trans)}</Fact>
      )}
      {peer.panes.length > 0 && <Fact name={trans.__('Shares')}>{peer.panes.join(', ')}</Fact>}
      <Fact name={trans.__('Trust')}>{trustWord(peer, trans)}</Fact>
    </dl>
  );
}

function Fact(props: { name: string; children: React.ReactNode }): React.ReactElement {
  return (
    <>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </>
  );
}
