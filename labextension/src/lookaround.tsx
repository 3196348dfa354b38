import * as React from 'react';
import { useAction, usePanel } from './context';
import { MemberRow } from './member';
import { Failure } from './section';
import { IAtLobby, ILobby, IRoom } from './shapes';
import { policyWords } from './wording';

/** What the lobby tells whoever asks: public rooms, and who is listed. */
export interface IAround {
  rooms: IRoom[];
  nodes: IAtLobby[];
}

/** The public rooms to join, and the nodes that want to be seen. */
export function Around(props: {
  around: IAround;
  lobby: ILobby;
  live: boolean;
}): React.ReactElement {
  const { around, lobby, live } = props;
  const { trans } = usePanel();
  const mine = new Set(lobby.rooms.map(room => room.name));
  const rooms = around.rooms.filter(room => !room.joined && !mine.has(room.name));
  const nodes = around.nodes.filter(node => !node.me);
  return (
    <div className="jp-Peers-around">
      <h4>{trans.__('Public rooms')}</h4>
      {rooms.length === 0 ? (
        <p className="jp-Peers-muted" role="status">
          {trans.__('There is no other public room.')}
        </p>
      ) : (
        <ul aria-label={trans.__('Public rooms')}>
          {rooms.map(room => (
            <PublicRoom key={room.name} room={room} live={live} />
          ))}
        </ul>
      )}
      <h4>{trans.__('Listed at the lobby')}</h4>
      {nodes.length === 0 ? (
        <p className="jp-Peers-muted" role="status">
          {trans.__('Nobody else is listed.')}
        </p>
      ) : (
        <ul aria-label={trans.__('Listed at the lobby')}>
          {nodes.map(node => (
            <MemberRow key={node.node_id} member={node} live={live} />
          ))}
        </ul>
      )}
    </div>
  );
}

function PublicRoom({ room, live }: { room: IRoom; live: boolean }): React.ReactElement {
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  return (
    <li className="jp-Peers-member">
      <span className="jp-Peers-rowText">
        <span className="jp-Peers-peerName" title={room.name}>
          {room.name}
        </span>
        <span className="jp-Peers-summary">
          {trans._n('%1 member', '%1 members', room.member_count)} · {policyWords(room, trans)}
        </span>
      </span>
      {room.join_policy !== 'token' && (
        <button
          type="button"
          className="jp-Peers-button"
          aria-label={trans.__('Join %1', room.name)}
          disabled={busy || !live}
          onClick={() => run(() => model.joinRoom(room.name, null))}
        >
          {trans.__('Join')}
        </button>
      )}
      <Failure error={error} />
    </li>
  );
}
