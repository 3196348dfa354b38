import * as React from 'react';
import { CommandIDs } from '../tokens';
import { IView } from '../context';
import { displayName } from '../model';
import { runForm, TextField, Values } from '../panel/dialog';
import { PeerError } from '../requests';
import { IPeer } from '../shapes';
import { statusWord } from '../wording';
import { doubts, ISharedCell, ISharing, nameOf, outputsOf, paneOf, titleOf } from './cells';

const WITH = 'with:';
const LINK = 'by-link';

/** Ask with whom a cell's output is shared, and share it. */
export async function askAndShare(
  view: IView,
  shared: ISharedCell,
  share: (sharing: ISharing) => Promise<void>
): Promise<boolean> {
  const { commands, model, trans } = view;
  const peers = model.state.peers.filter(peer => peer.trusted && !peer.blocked);
  const canLink = commands.hasCommand(CommandIDs.link);
  if (peers.length === 0 && !canLink) {
    await commands.execute(CommandIDs.invite);
    return false;
  }
  const done = await runForm({
    trans,
    title: trans.__('Share this output'),
    action: trans.__('Share'),
    fields: <Fields view={view} shared={shared} peers={peers} canLink={canLink} />,
    task: async values => {
      const sharing = read(values);
      const byLink = LINK in values;
      if (sharing.with.length === 0 && !byLink) {
        throw new PeerError({
          code: 'bad_request',
          message: trans.__('nobody is chosen'),
          hint: canLink
            ? trans.__('choose at least one peer, or anyone with the link')
            : trans.__('choose at least one peer')
        });
      }
      await share(sharing);
      return { name: sharing.name, byLink };
    }
  });
  if (done?.byLink) {
    await commands.execute(CommandIDs.link, { name: done.name });
  }
  return done !== null;
}

function read(values: Values): ISharing {
  const chosen = Object.keys(values).filter(name => name.startsWith(WITH));
  return {
    name: values.name,
    title: values.title,
    with: chosen.map(name => name.slice(WITH.length)),
    grant: values.grant,
    tracebacks: 'tracebacks' in values
  };
}

interface IFieldsProps {
  view: IView;
  shared: ISharedCell;
  peers: IPeer[];
  canLink: boolean;
}

function Fields({ view, shared, peers, canLink }: IFieldsProps): React.ReactElement {
  const { model, trans } = view;
  const { mine } = model.state.panes;
  const before = paneOf(mine, shared.cell.model.id);
  const title = before?.title ?? titleOf(shared.cell);
  const taken = mine.map(pane => pane.name);
  const { error, secret } = doubts(outputsOf(shared.cell));
  return (
    <>
      <fieldset className="jp-Peers-choices">
        <legend>{trans.__('With')}</legend>
        {peers.map(peer => (
          <label key={peer.node_id}>
            <input
              type="checkbox"
              name={WITH + peer.node_id}
              defaultChecked={before ? peer.node_id in before.grants : peers.length === 1}
            />
            {displayName(peer)}
            <span className="jp-Peers-muted">{statusWord(peer, trans)}</span>
          </label>
        ))}
        {canLink && (
          <label>
            <input type="checkbox" name={LINK} defaultChecked={peers.length === 0} />
            {trans.__('Anyone with the link')}
            <span className="jp-Peers-muted">{trans.__('in any browser, without Jupyter')}</span>
          </label>
        )}
      </fieldset>
      <fieldset className="jp-Peers-choices">
        <legend>{trans.__('They can')}</legend>
        <label>
          <input type="radio" name="grant" value="view" defaultChecked />
          {trans.__('view it')}
        </label>
        <label>
          <input type="radio" name="grant" value="interact" />
          {trans.__('view it and use its controls')}
        </label>
      </fieldset>
      <TextField label={trans.__('Title')} name="title" defaultValue={title} maxLength={512} />
      <TextField
        label={trans.__('Name, for commands')}
        name="name"
        defaultValue={before?.name ?? nameOf(title, taken)}
        required
        pattern="[A-Za-z0-9._\-]{1,64}"
      />
      {error && (
        <label className="jp-Peers-check">
          <input type="checkbox" name="tracebacks" />
          {trans.__('Show the traceback, which quotes lines of your code')}
        </label>
      )}
      {secret && (
        <label className="jp-Peers-check">
          <input type="checkbox" required />
          {trans.__('The output may show a password or a key. Share it all the same')}
        </label>
      )}
      <p className="jp-Peers-muted">
        {trans.__(
          'They see this output live, also when you run the cell again, until you stop it.'
        )}
      </p>
    </>
  );
}
