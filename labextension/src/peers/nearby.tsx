import * as React from 'react';
import { usePeersState, useView } from '../context';
import { IPeersState } from '../model';
import { CopyButton } from '../section';
import { IFoundNode } from '../shapes';

/** Nodes that were found and are no peers; those of the lobby are shown in their rooms. */
export function nearby({ found }: IPeersState): IFoundNode[] {
  return found.filter(node => node.source !== 'lobby');
}

/** The nodes found nearby: to connect, one of the two invites the other. */
export function NearbyList(): React.ReactElement {
  const { trans } = useView();
  const state = usePeersState();
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('Found nearby')}>
      {nearby(state).map(node => {
        const name = node.node_name || node.node_id;
        return (
          <li className="jp-Peers-row" key={`${node.source} ${node.node_id}`}>
            <span className="jp-Peers-name" title={name}>
              {name}
            </span>
            <span className="jp-Peers-muted">
              {node.source === 'lan'
                ? trans.__('in your network · not paired')
                : trans.__('by %1 · not paired', node.source)}
            </span>
            <CopyButton text={node.node_id} label={trans.__('Copy the node id')} />
          </li>
        );
      })}
    </ul>
  );
}
