import * as React from 'react';
import { usePanel } from './context';
import { CopyButton } from './section';
import { IFoundNode } from './shapes';

/** Nodes that were found and are no peers: to meet them, one invites the other. */
export function FoundList(props: { found: readonly IFoundNode[] }): React.ReactElement {
  const { trans } = usePanel();
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('Found nearby')}>
      {props.found.map(node => (
        <li className="jp-Peers-found" key={`${node.source} ${node.node_id}`}>
          <span className="jp-Peers-rowText">
            <span className="jp-Peers-peerName" title={node.node_name || node.node_id}>
              {node.node_name || node.node_id}
            </span>
            <span className="jp-Peers-summary">
              {node.source === 'lan'
                ? trans.__('in your network · not paired')
                : trans.__('by %1 · not paired', node.source)}
            </span>
          </span>
          <CopyButton text={node.node_id} label={trans.__('Copy the node id')} />
        </li>
      ))}
    </ul>
  );
}
