import * as React from 'react';
import { usePanel } from './context';
import { displayName } from './model';
import { IOfferedPane, IOwnPane } from './shapes';

/** The panes of this node, each with who is watching. */
export function OwnPanes({ panes }: { panes: IOwnPane[] }): React.ReactElement {
  const { trans } = usePanel();
  if (panes.length === 0) {
    return (
      <p className="jp-Peers-empty">
        {trans.__('Nothing. To share one live output, start a cell with')}{' '}
        <code>%%peer share NAME --with PEER</code>
      </p>
    );
  }
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('Panes that I share')}>
      {panes.map(pane => {
        const granted = Object.keys(pane.grants).length;
        const watching = pane.viewers.map(viewer => viewer.node_name || viewer.node_id).join(', ');
        return (
          <li className="jp-Peers-pane" key={pane.name}>
            <span className="jp-Peers-paneTitle">{pane.title || pane.name}</span>
            <span className="jp-Peers-summary">
              {watching
                ? trans.__('Watching: %1', watching)
                : granted === 0
                  ? trans.__('Shared with nobody')
                  : trans._n('1 peer may watch', '%1 peers may watch', granted)}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** The panes that peers share with this node, and how to open them. */
export function OfferedPanes({ panes }: { panes: IOfferedPane[] }): React.ReactElement {
  const { openPane, trans } = usePanel();
  if (panes.length === 0) {
    return <p className="jp-Peers-empty">{trans.__('Nothing at the moment.')}</p>;
  }
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('Panes shared with me')}>
      {panes.map(pane => (
        <li className="jp-Peers-pane jp-mod-offered" key={`${pane.peer.node_id}/${pane.name}`}>
          <span className="jp-Peers-paneTitle">{pane.title || pane.name}</span>
          <button
            type="button"
            className="jp-Peers-button"
            aria-label={trans.__('Open %1 of %2', pane.title || pane.name, displayName(pane.peer))}
            onClick={() => openPane(pane.peer.node_id, pane.name)}
          >
            {trans.__('Open')}
          </button>
          <span className="jp-Peers-summary">
            {pane.grant === 'interact'
              ? trans.__('From %1 · you may interact', displayName(pane.peer))
              : trans.__('From %1 · view only', displayName(pane.peer))}
          </span>
          <code className="jp-Peers-magic">{openMagic(pane)}</code>
        </li>
      ))}
    </ul>
  );
}

/** What shows the pane in a cell; a name that the magic would split is replaced by the node id. */
function openMagic({ name, peer }: IOfferedPane): string {
  const called = displayName(peer);
  return `%peer open ${/^[\w.-]+$/.test(called) ? called : peer.node_id}/${name}`;
}
