import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, usePeersState, useView } from '../context';
import { contextMenu } from '../menu';
import { displayName } from '../model';
import { Failure, IconButton, RowToggle } from '../section';
import { Grant, IOwnPane } from '../shapes';
import { CommandIDs } from '../tokens';
import { audienceWords } from './audience';

const ACTIONS = [[CommandIDs.showCell, CommandIDs.link], [CommandIDs.unshare]];

/** Set what a peer may do with a pane of this node. */
export type SetGrant = (name: string, peer: string, grant: Grant | 'none') => Promise<unknown>;

/** The panes of this node: how each stands, who watches it, and who may. */
export function OwnPanes({ setGrant }: { setGrant: SetGrant }): React.ReactElement {
  const { trans } = useView();
  const { mine } = usePeersState().panes;
  if (mine.length === 0) {
    return (
      <p className="jp-Peers-empty">
        {trans.__(
          'Nothing. Right-click the output of a cell and choose “Share Output with a Peer…”.'
        )}
      </p>
    );
  }
  return (
    <ul className="jp-Peers-list jp-Peers-mine" aria-label={trans.__('Panes that I share')}>
      {mine.map(pane => (
        <OwnPane key={pane.name} pane={pane} setGrant={setGrant} />
      ))}
    </ul>
  );
}

function OwnPane(props: { pane: IOwnPane; setGrant: SetGrant }): React.ReactElement {
  const { pane, setGrant } = props;
  const { commands, trans } = useView();
  const [open, setOpen] = React.useState(false);
  const grantsId = React.useId();
  const title = pane.title || pane.name;
  const audience = audienceWords(pane, usePeersState(), trans);
  const presented = pane.presented_by ? trans.__('Presenting · %1', audience) : audience;
  const failed = pane.failed ? trans.__('Error in its cell · %1', audience) : presented;
  const words = pane.status === 'ended' ? trans.__('Ended: its kernel has stopped') : failed;
  return (
    <li
      data-status={pane.failed ? 'failed' : pane.status}
      onContextMenu={contextMenu({ commands, groups: ACTIONS, args: { name: pane.name } })}
    >
      <div className="jp-Peers-row">
        <RowToggle
          open={open}
          onToggle={() => setOpen(!open)}
          controls={grantsId}
          name={title}
          summary={words}
        >
          {words}
        </RowToggle>
        <IconButton
          icon={closeIcon}
          label={trans.__('Stop sharing %1', title)}
          onClick={() => void commands.execute(CommandIDs.unshare, { name: pane.name })}
        />
      </div>
      <div id={grantsId} hidden={!open}>
        {open && <Grants pane={pane} setGrant={setGrant} />}
      </div>
    </li>
  );
}

/** The grant of each peer for a pane, and whether the peer watches now. */
function Grants(props: { pane: IOwnPane; setGrant: SetGrant }): React.ReactElement {
  const { pane, setGrant } = props;
  const { trans } = useView();
  const { peers } = usePeersState();
  const { busy, error, run } = useAction();
  const title = pane.title || pane.name;
  const shown = peers.filter(
    peer => peer.node_id in pane.grants || (peer.trusted && !peer.blocked)
  );
  return (
    <>
      <ul className="jp-Peers-list" aria-label={trans.__('Who may see %1', title)}>
        {shown.map(peer => {
          const name = displayName(peer);
          const isWatching = pane.viewers.some(viewer => viewer.node_id === peer.node_id);
          const status = isWatching ? trans.__('watching') : '';
          return (
            <li className="jp-Peers-row jp-Peers-grant" key={peer.node_id}>
              <span className="jp-Peers-name" title={name}>
                {name}
              </span>
              <span className="jp-Peers-muted">{peer.blocked ? trans.__('blocked') : status}</span>
              <select
                className="jp-Peers-select"
                aria-label={trans.__('What %1 can do with %2', name, title)}
                value={pane.grants[peer.node_id] ?? 'none'}
                aria-disabled={busy}
                onChange={({ target }) =>
                  run(() => setGrant(pane.name, peer.node_id, target.value as Grant | 'none'))
                }
              >
                <option value="none">{trans.__('no access')}</option>
                <option value="view">{trans.__('can view')}</option>
                <option value="interact">{trans.__('can use')}</option>
              </select>
            </li>
          );
        })}
      </ul>
      <Failure error={error} trans={trans} />
    </>
  );
}
