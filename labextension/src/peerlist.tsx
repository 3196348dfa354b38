import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { canChat } from './chat';
import { useAction, useNow, usePanel } from './context';
import { displayName } from './model';
import { RenameForm } from './rename';
import { CopyButton, Failure } from './section';
import { IPeer } from './shapes';
import { lastSeen, pathWord, peerSummary, roundTrip, trustWord } from './wording';

/** The live list of peers; each opens to what is known of it and what can be done. */
export function PeerList(props: {
  peers: readonly IPeer[];
  unread: Readonly<Record<string, number>>;
  live: boolean;
}): React.ReactElement {
  const { trans } = usePanel();
  const now = useNow();
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('Peers')}>
      {props.peers.map(peer => (
        <PeerRow
          key={peer.node_id}
          peer={peer}
          unread={props.unread[peer.node_id] ?? 0}
          now={now}
          live={props.live}
        />
      ))}
    </ul>
  );
}

function PeerRow(props: {
  peer: IPeer;
  unread: number;
  now: number;
  live: boolean;
}): React.ReactElement {
  const { peer, unread, now, live } = props;
  const { trans } = usePanel();
  const [open, setOpen] = React.useState(false);
  const detailsId = React.useId();
  const Caret = open ? caretDownIcon : caretRightIcon;
  const connected = peer.status === 'connected';
  return (
    <li className="jp-Peers-peer" data-status={peer.status} data-node-id={peer.node_id}>
      <button
        type="button"
        className="jp-Peers-row"
        aria-expanded={open}
        aria-controls={detailsId}
        onClick={() => setOpen(!open)}
      >
        <span className="jp-Peers-dot" aria-hidden="true" />
        <span className="jp-Peers-rowText">
          <span className="jp-Peers-peerName" title={displayName(peer)}>
            {displayName(peer)}
          </span>
          <span className="jp-Peers-summary">{peerSummary(peer, now, trans)}</span>
        </span>
        {unread > 0 && <Unread count={unread} />}
        <Caret.react tag="span" className="jp-Peers-caret" aria-hidden="true" />
      </button>
      <div id={detailsId} hidden={!open}>
        {open && (
          <>
            <dl className="jp-Peers-details">
              <dt>{trans.__('Node id')}</dt>
              <dd>
                <code className="jp-Peers-nodeId">{peer.node_id}</code>
                <CopyButton text={peer.node_id} label={trans.__('Copy the node id')} />
              </dd>
              {peer.alias && (
                <>
                  <dt>{trans.__('Calls itself')}</dt>
                  <dd>{peer.node_name}</dd>
                </>
              )}
              {connected && (
                <>
                  <dt>{trans.__('Path')}</dt>
                  <dd>
                    {[
                      pathWord(peer.transport, trans),
                      peer.rtt_ms === null ? '' : trans.__('%1 round trip', roundTrip(peer.rtt_ms))
                    ]
                      .filter(Boolean)
                      .join(', ')}
                  </dd>
                </>
              )}
              {peer.address && (
                <>
                  <dt>{trans.__('Address')}</dt>
                  <dd>
                    <code>{peer.address}</code>
                  </dd>
                </>
              )}
              <dt>{trans.__('Last seen')}</dt>
              <dd>{connected ? trans.__('now') : lastSeen(peer, now, trans)}</dd>
              {peer.panes && peer.panes.length > 0 && (
                <>
                  <dt>{trans.__('Shares')}</dt>
                  <dd>{peer.panes.join(', ')}</dd>
                </>
              )}
              <dt>{trans.__('Trust')}</dt>
              <dd>{trustWord(peer, trans)}</dd>
            </dl>
            <PeerActions peer={peer} unread={unread} live={live} />
          </>
        )}
      </div>
    </li>
  );
}

function Unread({ count }: { count: number }): React.ReactElement {
  const { trans } = usePanel();
  const words = trans._n('%1 unread line', '%1 unread lines', count);
  return (
    <span className="jp-Peers-unread" title={words}>
      <span aria-hidden="true">{count}</span>
      <span className="jp-sr-only">{words}</span>
    </span>
  );
}

function PeerActions(props: { peer: IPeer; unread: number; live: boolean }): React.ReactElement {
  const { peer, unread, live } = props;
  const { model, trans, confirm, chat, examine } = usePanel();
  const { busy, error, run } = useAction();
  const [renaming, setRenaming] = React.useState(false);
  const id = peer.node_id;
  const name = displayName(peer);
  const off = busy || !live;

  const forget = async () => {
    const agreed = await confirm(
      trans.__('Forget %1?', name),
      trans.__(
        'Panes shared with %1 are withdrawn, and to meet again you have to pair again.',
        name
      ),
      trans.__('Forget')
    );
    if (agreed) {
      await model.forget(id);
    }
  };
  const button = (label: string, work: () => Promise<void>, className = '') => (
    <button
      type="button"
      className={`jp-Peers-button ${className}`}
      disabled={off}
      onClick={() => run(work)}
    >
      {label}
    </button>
  );

  if (renaming) {
    return (
      <div className="jp-Peers-actions">
        <RenameForm
          optional
          label={trans.__('My name for %1', peer.node_name)}
          placeholder={peer.node_name}
          value={peer.alias ?? ''}
          save={alias => model.setAlias(id, alias || null)}
          onClose={() => setRenaming(false)}
        />
      </div>
    );
  }
  return (
    <>
      <div className="jp-Peers-actions" role="group" aria-label={trans.__('Actions for %1', name)}>
        {peer.status !== 'blocked' && (unread > 0 || canChat(peer)) && (
          <button
            type="button"
            className={`jp-Peers-button ${unread > 0 ? 'jp-mod-primary' : ''}`}
            onClick={() => chat(id)}
          >
            {trans.__('Chat')}
          </button>
        )}
        {peer.status === 'blocked' ? (
          button(trans.__('Unblock'), () => model.unblock(id))
        ) : (
          <>
            {peer.status === 'offline'
              ? button(busy ? trans.__('Connecting…') : trans.__('Connect'), () =>
                  model.connect(id)
                )
              : button(trans.__('Disconnect'), () => model.disconnect(id))}
            <button
              type="button"
              className="jp-Peers-button"
              disabled={off}
              onClick={() => setRenaming(true)}
            >
              {trans.__('Rename')}
            </button>
            {button(trans.__('Block'), () => model.block(id))}
            <button
              type="button"
              className="jp-Peers-button"
              disabled={!live}
              onClick={() => examine(id)}
            >
              {peer.status === 'connected'
                ? trans.__('Why is it slow?')
                : trans.__('Why not connected?')}
            </button>
          </>
        )}
        {button(trans.__('Forget…'), forget, 'jp-mod-warn')}
      </div>
      <Failure error={error} />
    </>
  );
}
