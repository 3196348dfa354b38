import * as React from 'react';
import { useAction, usePanel } from './context';
import { CopyButton, Failure } from './section';
import { IAtLobby } from './shapes';

/** A node at the lobby, and what can be done with it. */
export function MemberRow({
  member,
  live
}: {
  member: IAtLobby;
  live: boolean;
}): React.ReactElement {
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const name = member.node_name || member.node_id;
  // Where somebody is, is known of peers and of fellow members of a room only.
  const canDial =
    member.peer === null
      ? member.addresses.length > 0
      : member.peer !== 'connected' && member.peer !== 'blocked';
  const words = [
    member.peer === null
      ? trans.__('not paired')
      : member.peer === 'connected'
        ? trans.__('your peer, connected')
        : trans.__('your peer'),
    ...(member.away ? [trans.__('away')] : [])
  ];
  return (
    <li className="jp-Peers-member" data-node-id={member.node_id}>
      <span className="jp-Peers-rowText">
        <span className="jp-Peers-peerName" title={`${name} (${member.node_id})`}>
          {name}
        </span>
        <span className="jp-Peers-summary">{words.join(' · ')}</span>
      </span>
      {canDial && (
        <button
          type="button"
          className="jp-Peers-button"
          aria-label={trans.__('Connect with %1', name)}
          disabled={busy || !live}
          onClick={() => run(() => model.connect(member.node_id))}
        >
          {busy ? trans.__('Connecting…') : trans.__('Connect')}
        </button>
      )}
      {!canDial && member.peer === null && (
        <CopyButton text={member.node_id} label={trans.__('Copy the node id of %1', name)} />
      )}
      <Failure error={error} />
    </li>
  );
}
