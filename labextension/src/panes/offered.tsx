import { launchIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { usePeersState, useView } from '../context';
import { displayName } from '../model';
import { IconButton } from '../section';
import { IOfferedPane } from '../shapes';
import { CommandIDs } from '../tokens';

/** The panes that peers share with this node; a click opens one. */
export function OfferedPanes(): React.ReactElement {
  const { trans } = useView();
  const { offered } = usePeersState().panes;
  if (offered.length === 0) {
    return <p className="jp-Peers-empty">{trans.__('Nothing at the moment.')}</p>;
  }
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('Panes shared with me')}>
      {offered.map(pane => (
        <OfferedPane key={`${pane.peer.node_id}/${pane.name}`} pane={pane} />
      ))}
    </ul>
  );
}

function OfferedPane({ pane }: { pane: IOfferedPane }): React.ReactElement {
  const { commands, trans } = useView();
  const title = pane.title || pane.name;
  const owner = displayName(pane.peer);
  const open = () =>
    void commands.execute(CommandIDs.openPane, { peer: pane.peer.node_id, name: pane.name });
  return (
    <li
      className="jp-Peers-row"
      title={trans.__('In a notebook: %1', openMagic(pane))}
      onDoubleClick={open}
    >
      <span className="jp-Peers-name">{title}</span>
      <span className="jp-Peers-muted">
        {pane.grant === 'interact'
          ? trans.__('from %1 · can use', owner)
          : trans.__('from %1 · can view', owner)}
      </span>
      <IconButton
        icon={launchIcon}
        label={trans.__('Open %1 of %2', title, owner)}
        onClick={open}
      />
    </li>
  );
}

/** What shows the pane in a cell; a name that the magic would split is replaced by the node id. */
export function openMagic({ name, peer }: IOfferedPane): string {
  const called = displayName(peer);
  return `%peer open ${/^[\w.-]+$/.test(called) ? called : peer.node_id}/${name}`;
}
