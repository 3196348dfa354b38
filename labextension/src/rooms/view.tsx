import { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, useFollowed, usePeersState, useView } from '../context';
import { CopyButton, Failure, IconButton } from '../section';
import { ILobby, IRoom } from '../shapes';
import { failureWords, policyWords } from '../wording';
import { Around } from './around';
import { MemberRow } from './member';
import { IAround, RoomsModel } from './model';

/** Content of the section besides the lobby itself. */
export interface IRoomsView {
  /** The token of a room just created; the server tells it once. */
  token: { room: string; token: string } | null;
  around: IAround | null;
}

/** The lobby: rooms to meet in, who is in them, and whether this node is listed. */
export function RoomsView(props: {
  rooms: RoomsModel;
  view: IRoomsView;
}): React.ReactElement | null {
  const { rooms, view } = props;
  const { trans } = useView();
  const { live } = usePeersState();
  const { busy, error, run } = useAction();
  const lobby = useFollowed(rooms.changed, () => rooms.lobby);
  if (!lobby) {
    return null;
  }
  return (
    <>
      <p className="jp-Peers-empty" role="status">
        {lobbyWords(lobby, trans)}
        {lobby.error && <span> {failureWords(lobby.error, trans).message}</span>}
      </p>
      {lobby.rooms.length > 0 && (
        <ul className="jp-Peers-list" aria-label={trans.__('Rooms that I am in')}>
          {lobby.rooms.map(room => (
            <RoomRow
              key={room.name}
              room={room}
              rooms={rooms}
              live={live}
              token={view.token?.room === room.name ? view.token.token : null}
            />
          ))}
        </ul>
      )}
      {view.around && <Around around={view.around} lobby={lobby} rooms={rooms} live={live} />}
      <label className="jp-Peers-checkbox">
        <input
          type="checkbox"
          checked={lobby.listed}
          disabled={!live}
          aria-disabled={busy}
          onChange={event => {
            const listed = event.target.checked;
            run(() => rooms.setListed(listed));
          }}
        />
        <span>
          {trans.__('Everybody at the lobby may see my name and node id')}
          {lobby.listed && lobby.rooms.length > 0 && (
            <span className="jp-Peers-muted">
              {' '}
              {trans.__('(switching it off leaves all rooms)')}
            </span>
          )}
        </span>
      </label>
      <Failure error={error} trans={trans} />
    </>
  );
}

function lobbyWords(lobby: ILobby, trans: TranslationBundle): string {
  switch (lobby.status) {
    case 'connected':
      return trans.__('At the lobby %1', lobby.url);
    case 'connecting':
      return trans.__('Connecting to the lobby %1…', lobby.url);
    default:
      return trans.__('The lobby %1 is not in use', lobby.url);
  }
}

function RoomRow(props: {
  room: IRoom;
  rooms: RoomsModel;
  live: boolean;
  token: string | null;
}): React.ReactElement {
  const { room, rooms, live, token } = props;
  const { trans } = useView();
  const { busy, error, run } = useAction();
  const members = (room.members ?? []).filter(member => !member.me);
  const policy = policyWords(room, trans);
  const words = room.error
    ? failureWords(room.error, trans).message
    : room.visibility === 'public'
      ? trans.__('listed · %1', policy)
      : policy;
  return (
    <li>
      <div className="jp-Peers-row">
        <span className="jp-Peers-name" title={room.name}>
          {room.name}
        </span>
        <span className="jp-Peers-muted" title={words}>
          {words}
        </span>
        <IconButton
          icon={closeIcon}
          label={trans.__('Leave %1', room.name)}
          disabled={!live}
          aria-disabled={busy}
          onClick={() => run(() => rooms.leave(room.name))}
        />
      </div>
      {token && (
        <p className="jp-Peers-text">
          {trans.__('Its token, shown once:')} <code>{token}</code>
          <CopyButton text={token} label={trans.__('Copy the token')} />
        </p>
      )}
      {members.length === 0 ? (
        !room.error && <p className="jp-Peers-empty">{trans.__('Nobody else yet.')}</p>
      ) : (
        <ul className="jp-Peers-list jp-Peers-members" aria-label={trans.__('In %1', room.name)}>
          {members.map(member => (
            <MemberRow key={member.node_id} member={member} live={live} />
          ))}
        </ul>
      )}
      <Failure error={error} trans={trans} />
    </li>
  );
}
