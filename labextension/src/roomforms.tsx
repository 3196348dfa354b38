import * as React from 'react';
import { IAction, useAction, usePanel } from './context';
import { Failure } from './section';
import { JoinPolicy } from './shapes';

interface IRoomFormProps {
  live: boolean;
  onClose: () => void;
}

/** Enter a room that somebody has told of. */
export function JoinForm(props: IRoomFormProps): React.ReactElement {
  const { model, trans } = usePanel();
  const action = useAction();
  const [token, setToken] = React.useState('');
  const join = async (name: string) => {
    await model.joinRoom(name, token.trim() || null);
    props.onClose();
  };
  return (
    <RoomForm {...props} action={action} verb={trans.__('Join')} enter={join}>
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
    </RoomForm>
  );
}

/** Make a room; its token is told once. */
export function MakeForm(
  props: IRoomFormProps & { onMade: (room: string, token: string | null) => void }
): React.ReactElement {
  const { model, trans } = usePanel();
  const action = useAction();
  const [policy, setPolicy] = React.useState<JoinPolicy>('open');
  const [listed, setListed] = React.useState(false);
  const make = async (name: string) => {
    const made = await model.createRoom(name, policy, listed);
    props.onMade(made.room.name, made.token);
    props.onClose();
  };
  return (
    <RoomForm {...props} action={action} verb={trans.__('Make the room')} enter={make}>
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
    </RoomForm>
  );
}

/** The name of a room, what else it takes, and a button. */
function RoomForm(
  props: IRoomFormProps & {
    action: IAction;
    verb: string;
    enter: (name: string) => Promise<void>;
    children: React.ReactNode;
  }
): React.ReactElement {
  const { action, enter, verb } = props;
  const { trans } = usePanel();
  const [name, setName] = React.useState('');
  const field = React.useRef<HTMLInputElement>(null);
  React.useEffect(() => field.current?.focus(), []);
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    action.run(() => enter(name.trim()));
  };
  return (
    <form className="jp-Peers-enter" onSubmit={submit} aria-label={verb}>
      <label className="jp-Peers-field">
        <span>{trans.__('Room')}</span>
        <input
          ref={field}
          className="jp-Peers-input"
          value={name}
          maxLength={64}
          placeholder={trans.__('its name')}
          onChange={event => setName(event.target.value)}
        />
      </label>
      {props.children}
      <div className="jp-Peers-formButtons">
        <button
          type="submit"
          className="jp-Peers-button jp-mod-primary"
          disabled={action.busy || !props.live || !name.trim()}
        >
          {verb}
        </button>
        <button type="button" className="jp-Peers-button" onClick={props.onClose}>
          {trans.__('Cancel')}
        </button>
      </div>
      <Failure error={action.error} />
    </form>
  );
}
