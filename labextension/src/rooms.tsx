import * as React from 'react';
import { useAction, usePanel } from './context';
import { Around, IAround } from './lookaround';
import { MemberRow } from './member';
import { JoinForm, MakeForm } from './roomforms';
import { CopyButton, Failure, Section } from './section';
import { ILobby, IRoom } from './shapes';
import { policyWords } from './wording';

/** The lobby: rooms to meet in, who is in them, and whether this node is listed. */
export function LobbySection(props: { lobby: ILobby; live: boolean }): React.ReactElement {
  const { lobby, live } = props;
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const [token, setToken] = React.useState<{ room: string; token: string } | null>(null);
  const [form, setForm] = React.useState<'join' | 'make' | null>(null);
  const [around, setAround] = React.useState<IAround | null>(null);
  const close = () => setForm(null);
  const lookAround = async () => {
    const [rooms, nodes] = await Promise.all([model.rooms(), model.listed()]);
    setAround({ rooms, nodes });
  };
  const opener = (name: 'join' | 'make', label: string) => (
    <button
      type="button"
      className="jp-Peers-button"
      aria-expanded={form === name}
      onClick={() => setForm(form === name ? null : name)}
    >
      {label}
    </button>
  );
  return (
    <Section title={trans.__('Rooms')} count={lobby.rooms.length}>
      <p className="jp-Peers-summary jp-Peers-lobbyState" role="status">
        {lobbyWords(lobby, trans)}
      </p>
      {lobby.error && <p className="jp-Peers-hint jp-Peers-lobbyState">{lobby.error.message}</p>}
      {lobby.rooms.length > 0 && (
        <ul className="jp-Peers-list" aria-label={trans.__('Rooms that I am in')}>
          {lobby.rooms.map(room => (
            <RoomRow
              key={room.name}
              room={room}
              live={live}
              token={token?.room === room.name ? token.token : null}
            />
          ))}
        </ul>
      )}
      <div
        className="jp-Peers-actions jp-Peers-roomActions"
        role="group"
        aria-label={trans.__('At the lobby')}
      >
        {opener('join', trans.__('Join a room…'))}
        {opener('make', trans.__('Make a room…'))}
        <button
          type="button"
          className="jp-Peers-button"
          aria-expanded={around !== null}
          disabled={busy || !live}
          onClick={() => (around ? setAround(null) : run(lookAround))}
        >
          {around ? trans.__('Hide who is around') : trans.__('Look around')}
        </button>
      </div>
      {form === 'join' && <JoinForm live={live} onClose={close} />}
      {form === 'make' && (
        <MakeForm
          live={live}
          onClose={close}
          onMade={(room, made) => setToken(made ? { room, token: made } : null)}
        />
      )}
      {around && <Around around={around} lobby={lobby} live={live} />}
      <label className="jp-Peers-check">
        <input
          type="checkbox"
          checked={lobby.listed}
          disabled={busy || !live}
          onChange={event => {
            const listed = event.target.checked;
            run(() => model.setListed(listed));
          }}
        />
        <span>
          {trans.__('Everybody at the lobby may see my name and node id')}
          {lobby.listed && lobby.rooms.length > 0 && (
            <span className="jp-Peers-hint">
              {' '}
              {trans.__('(switching it off leaves all rooms)')}
            </span>
          )}
        </span>
      </label>
      <Failure error={error} />
    </Section>
  );
}

type Trans = ReturnType<typeof usePanel>['trans'];

function lobbyWords(lobby: ILobby, trans: Trans): string {
  switch (lobby.status) {
    case 'connected':
      return trans.__('At the lobby %1', lobby.url);
    case 'connecting':
      return trans.__('Connecting to the lobby %1…', lobby.url);
    default:
      return trans.__('The lobby %1 is not in use', lobby.url);
  }
}

function RoomRow(props: { room: IRoom; live: boolean; token: string | null }): React.ReactElement {
  const { room, live, token } = props;
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const members = (room.members ?? []).filter(member => !member.me);
  return (
    <li className="jp-Peers-room">
      <div className="jp-Peers-roomHead">
        <span className="jp-Peers-rowText">
          <span className="jp-Peers-peerName" title={room.name}>
            {room.name}
          </span>
          <span className="jp-Peers-summary">
            {room.error
              ? room.error.message
              : room.visibility === 'public'
                ? trans.__('listed · %1', policyWords(room, trans))
                : policyWords(room, trans)}
          </span>
        </span>
        <button
          type="button"
          className="jp-Peers-button"
          aria-label={trans.__('Leave %1', room.name)}
          disabled={busy || !live}
          onClick={() => run(() => model.leaveRoom(room.name))}
        >
          {trans.__('Leave')}
        </button>
      </div>
      {token && (
        <p className="jp-Peers-token">
          {trans.__('Its token, shown once:')} <code>{token}</code>
          <CopyButton text={token} label={trans.__('Copy the token')} />
        </p>
      )}
      {members.length === 0 ? (
        !room.error && <p className="jp-Peers-empty">{trans.__('Nobody else yet.')}</p>
      ) : (
        <ul aria-label={trans.__('In %1', room.name)}>
          {members.map(member => (
            <MemberRow key={member.node_id} member={member} live={live} />
          ))}
        </ul>
      )}
      <Failure error={error} />
    </li>
  );
}
