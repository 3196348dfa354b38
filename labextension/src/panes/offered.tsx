import { launchIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { usePeersState, useView } from '../context';
import { contextMenu } from '../menu';
import { displayName } from '../model';
import { IconButton } from '../section';
import { IOfferedPane } from '../shapes';
import { CommandIDs } from '../tokens';
import { PANE_ACTIONS } from './actions';
import { draggedOut } from './dragging';

/** Opens a pane of a peer as a document. */
export type OpenPane = (peer: string, name: string) => Widget;

/** The panes that peers share with this node; a click opens one, and so does a drag into the main area. */
export function OfferedPanes({ openPane }: { openPane: OpenPane }): React.ReactElement {
  const { trans } = useView();
  const { offered } = usePeersState().panes;
  if (offered.length === 0) {
    return <p className="jp-Peers-empty">{trans.__('Nothing at the moment.')}</p>;
  }
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('Panes shared with me')}>
      {offered.map(pane => (
        <OfferedPane key={`${pane.peer.node_id}/${pane.name}`} pane={pane} openPane={openPane} />
      ))}
    </ul>
  );
}

function OfferedPane(props: { pane: IOfferedPane; openPane: OpenPane }): React.ReactElement {
  const { openPane, pane } = props;
  const { commands, trans } = useView();
  const title = pane.title || pane.name;
  const owner = displayName(pane.peer);
  const args = { peer: pane.peer.node_id, name: pane.name };
  const open = () => void commands.execute(CommandIDs.openPane, args);
  return (
    // The button at its end opens it by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <li
      className="jp-Peers-row"
      title={trans.__('In a notebook: %1', openMagic(pane))}
      onDoubleClick={open}
      onContextMenu={contextMenu({ commands, groups: PANE_ACTIONS, args })}
      onMouseDown={draggedOut(title, () => openPane(args.peer, args.name))}
    >
      <span className="jp-Peers-name">{title}</span>
      <span className="jp-Peers-muted">
        {pane.grant === 'interact'
          ? trans.__('%1 · can use', owner)
          : trans.__('%1 · can view', owner)}
      </span>
      <IconButton
        icon={launchIcon}
        label={trans.__('Open %1 of %2', title, owner)}
        onClick={open}
      />
    </li>
  );
}

/** The magic that shows the pane in a cell; the node id replaces a name with blanks. */
export function openMagic({ name, peer }: IOfferedPane): string {
  const called = displayName(peer);
  return `%peer open ${/^[\w.-]+$/.test(called) ? called : peer.node_id}/${name}`;
}
