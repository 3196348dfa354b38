import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, useView } from '../context';
import { Failure } from '../section';
import { ILobby, IRoom } from '../shapes';
import { policyWords } from '../wording';
import { MemberRow } from './member';
import { IAround, RoomsModel } from './model';

/** The public rooms to join, and the nodes that are listed. */
export function Around(props: {
  around: IAround;
  lobby: ILobby;
  rooms: RoomsModel;
  live: boolean;
}): React.ReactElement {
  const { around, lobby, live } = props;
  const { trans } = useView();
  const mine = new Set(lobby.rooms.map(room => room.name));
  const rooms = around.rooms.filter(room => !room.joined && !mine.has(room.name));
  const nodes = around.nodes.filter(node => !node.me);
  return (
    <>
      <h3 className="jp-Peers-heading">{trans.__('Public rooms')}</h3>
      {rooms.length === 0 ? (
        <p className="jp-Peers-empty" role="status">
          {trans.__('There is no other public room.')}
        </p>
      ) : (
        <ul className="jp-Peers-list" aria-label={trans.__('Public rooms')}>
          {rooms.map(room => (
            <PublicRoom key={room.name} room={room} rooms={props.rooms} live={live} />
          ))}
        </ul>
      )}
      <h3 className="jp-Peers-heading">{trans.__('Listed at the lobby')}</h3>
      {nodes.length === 0 ? (
        <p className="jp-Peers-empty" role="status">
          {trans.__('Nobody else is listed.')}
        </p>
      ) : (
        <ul className="jp-Peers-list" aria-label={trans.__('Listed at the lobby')}>
          {nodes.map(node => (
            <MemberRow key={node.node_id} member={node} live={live} />
          ))}
        </ul>
      )}
    </>
  );
}

function PublicRoom(props: { room: IRoom; rooms: RoomsModel; live: boolean }): React.ReactElement {
  const { room, rooms, live } = props;
  const { trans } = useView();
  const { busy, error, run } = useAction();
  const members = trans._n('%1 member', '%1 members', room.member_count);
  const words = `${members} · ${policyWords(room, trans)}`;
  return (
    <li>
      <div className="jp-Peers-row">
        <span className="jp-Peers-name" title={room.name}>
          {room.name}
        </span>
        <span className="jp-Peers-muted" title={words}>
          {words}
        </span>
        {room.join_policy !== 'token' && (
          <Button
            minimal
            small
            type="button"
            aria-label={trans.__('Join %1', room.name)}
            disabled={!live}
            aria-disabled={busy}
            onClick={() => run(() => rooms.join(room.name, null))}
          >
            {trans.__('Join')}
          </Button>
        )}
      </div>
      <Failure error={error} trans={trans} />
    </li>
  );
}
