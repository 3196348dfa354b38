import * as React from 'react';
import { useAction, usePanel } from './context';
import { CopyButton, Failure, Section } from './section';
import { IAtLobby, ILobby, IRoom, JoinPolicy } from './shapes';

/** The lobby: rooms to meet in, who is in them, and whether this node is listed. */
export function LobbySection(props: { lobby: ILobby; live: boolean }): React.ReactElement {
  const { lobby, live } = props;
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const [token, setToken] = React.useState<{ room: string; token: string } | null>(null);
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
      <EnterForm
        live={live}
        onMade={(room, made) => setToken(made ? { room, token: made } : null)}
      />
      <OpenRooms lobby={lobby} live={live} />
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

function policyWords(room: IRoom, trans: Trans): string {
  switch (room.join_policy) {
    case 'token':
      return trans.__('whoever has its token may join');
    case 'directory':
      return trans.__('members of the directory may join');
    default:
      return room.visibility === 'public'
        ? trans.__('anybody may join')
        : trans.__('whoever knows its name may join');
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

function MemberRow({ member, live }: { member: IAtLobby; live: boolean }): React.ReactElement {
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const name = member.node_name || member.node_id;
  const words = [
    member.peer === null
      ? trans.__('not paired')
      : member.peer === 'connected'
        ? trans.__('your peer, connected')
        : trans.__('your peer'),
    ...(member.away ? [trans.__('away')] : [])
  ];
  return (
    <li className="jp-Peers-member" data-node-id={member.node_id}>
      <span className="jp-Peers-rowText">
        <span className="jp-Peers-peerName" title={`${name} (${member.node_id})`}>
          {name}
        </span>
        <span className="jp-Peers-summary">{words.join(' · ')}</span>
      </span>
      {member.peer !== 'connected' && member.peer !== 'blocked' && (
        <button
          type="button"
          className="jp-Peers-button"
          aria-label={trans.__('Connect with %1', name)}
          disabled={busy || !live}
          onClick={() => run(() => model.connect(member.node_id))}
        >
          {busy ? trans.__('Connecting…') : trans.__('Connect')}
        </button>
      )}
      <Failure error={error} />
    </li>
  );
}

/** Join a room by its name, or make one. */
function EnterForm(props: {
  live: boolean;
  onMade: (room: string, token: string | null) => void;
}): React.ReactElement {
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const [making, setMaking] = React.useState(false);
  const [name, setName] = React.useState('');
  const [token, setToken] = React.useState('');
  const [policy, setPolicy] = React.useState<JoinPolicy>('open');
  const [listed, setListed] = React.useState(false);
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    run(async () => {
      if (making) {
        const made = await model.createRoom(name.trim(), policy, listed);
        props.onMade(made.room.name, made.token);
      } else {
        await model.joinRoom(name.trim(), token.trim() || null);
      }
      setName('');
      setToken('');
    });
  };
  return (
    <form className="jp-Peers-enter" onSubmit={submit} aria-label={trans.__('Enter a room')}>
      <label className="jp-Peers-field">
        <span>{trans.__('Room')}</span>
        <input
          className="jp-Peers-input"
          value={name}
          maxLength={64}
          placeholder={trans.__('its name')}
          onChange={event => setName(event.target.value)}
        />
      </label>
      {making ? (
        <>
          <label className="jp-Peers-field">
            <span>{trans.__('Who may join')}</span>
            <select
              className="jp-Peers-input"
              value={policy}
              onChange={event => setPolicy(event.target.value as JoinPolicy)}
            >
              <option value="open">{trans.__('whoever knows its name')}</option>
              <option value="token">{trans.__('whoever has its token')}</option>
              <option value="directory">{trans.__('members of the directory')}</option>
            </select>
          </label>
          <label className="jp-Peers-check">
            <input
              type="checkbox"
              checked={listed}
              onChange={event => setListed(event.target.checked)}
            />
            <span>{trans.__('List it for everybody at the lobby')}</span>
          </label>
        </>
      ) : (
        <label className="jp-Peers-field">
          <span>{trans.__('Token')}</span>
          <input
            className="jp-Peers-input"
            value={token}
            maxLength={128}
            placeholder={trans.__('if it asks for one')}
            onChange={event => setToken(event.target.value)}
          />
        </label>
      )}
      <div className="jp-Peers-formButtons">
        <button
          type="submit"
          className="jp-Peers-button"
          disabled={busy || !props.live || !name.trim()}
        >
          {making ? trans.__('Make the room') : trans.__('Join')}
        </button>
        <button type="button" className="jp-Peers-button" onClick={() => setMaking(!making)}>
          {making ? trans.__('Join one instead') : trans.__('Make one instead')}
        </button>
      </div>
      <Failure error={error} />
    </form>
  );
}

/** The public rooms, looked up when somebody asks. */
function OpenRooms({ lobby, live }: { lobby: ILobby; live: boolean }): React.ReactElement {
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const [rooms, setRooms] = React.useState<IRoom[] | null>(null);
  const mine = new Set(lobby.rooms.map(room => room.name));
  const others = (rooms ?? []).filter(room => !mine.has(room.name));
  return (
    <>
      <button
        type="button"
        className="jp-Peers-button jp-Peers-lookAround"
        disabled={busy || !live}
        onClick={() => run(async () => setRooms(await model.rooms()))}
      >
        {trans.__('Look for public rooms')}
      </button>
      {rooms !== null && others.length === 0 && !busy && (
        <p className="jp-Peers-empty" role="status">
          {trans.__('There is no other public room.')}
        </p>
      )}
      {others.length > 0 && (
        <ul className="jp-Peers-list" aria-label={trans.__('Public rooms')}>
          {others.map(room => (
            <li className="jp-Peers-member" key={room.name}>
              <span className="jp-Peers-rowText">
                <span className="jp-Peers-peerName">{room.name}</span>
                <span className="jp-Peers-summary">
                  {trans._n('%1 member', '%1 members', room.member_count)} ·{' '}
                  {policyWords(room, trans)}
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
            </li>
          ))}
        </ul>
      )}
      <Failure error={error} />
    </>
  );
}
