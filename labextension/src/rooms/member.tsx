import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, useView } from '../context';
import { CopyButton, Failure } from '../section';
import { IAtLobby } from '../shapes';

/** A node at the lobby, and what can be done with it. */
export function MemberRow(props: { member: IAtLobby; live: boolean }): React.ReactElement {
  const { live, member } = props;
  const { model, trans } = useView();
  const { busy, error, run } = useAction();
  const name = member.node_name || member.node_id;
  // The lobby gives addresses only of peers and of fellow members of a room.
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
    <li data-node-id={member.node_id}>
      <div className="jp-Peers-row">
        <span className="jp-Peers-name" title={`${name} (${member.node_id})`}>
          {name}
        </span>
        <span className="jp-Peers-muted">{words.join(' · ')}</span>
        {canDial && (
          <Button
            minimal
            small
            type="button"
            aria-label={trans.__('Connect with %1', name)}
            disabled={!live}
            aria-disabled={busy}
            onClick={() => run(() => model.connect(member.node_id))}
          >
            {busy ? trans.__('Connecting…') : trans.__('Connect')}
          </Button>
        )}
        {!canDial && member.peer === null && (
          <CopyButton text={member.node_id} label={trans.__('Copy the node id of %1', name)} />
        )}
      </div>
      <Failure error={error} trans={trans} />
    </li>
  );
}
