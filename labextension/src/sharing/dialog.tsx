import * as React from 'react';
import { CommandIDs } from '../tokens';
import { IView } from '../context';
import { displayName } from '../model';
import { runForm, TextField, Values } from '../panel/dialog';
import { PeerError } from '../requests';
import { IOwnPane, IPeer } from '../shapes';
import { statusWord } from '../wording';
import { doubts, ISharedCell, ISharing, nameOf, outputsOf, panesOf, titleOf } from './cells';

const WITH = 'with:';
const LINK = 'by-link';
const ALL = 'all';

/**
 * Ask with whom outputs are shared, and share them.
 *
 * Each of several cells becomes a pane of its own, so that each can be stopped by itself. A cell
 * that is shared already shows who may see it, and who is no longer chosen no longer may.
 *
 * @param output - The place of the output that the person has clicked; null for all of a cell.
 * @param share - Takes a cell, the choices, and the node ids of peers whose grants end.
 */
export async function askAndShare(
  view: IView,
  cells: ISharedCell[],
  output: number | null,
  share: (cell: ISharedCell, sharing: ISharing, revoked: string[]) => Promise<void>
): Promise<boolean> {
  const { commands, model, trans } = view;
  const peers = model.state.peers.filter(peer => peer.trusted && !peer.blocked);
  const canLink = commands.hasCommand(CommandIDs.link) && cells.length === 1;
  if (peers.length === 0 && !canLink) {
    await commands.execute(CommandIDs.invite);
    return false;
  }
  const proposals = propose(cells, output, model.state.panes.mine);
  const done = await runForm({
    trans,
    title:
      cells.length > 1
        ? trans.__('Share the outputs of %1 cells', cells.length)
        : trans.__('Share this output'),
    action: trans.__('Share'),
    fields: <Fields view={view} proposals={proposals} peers={peers} canLink={canLink} />,
    task: async values => {
      const sharing = read(values, output);
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
      for (const { cell, name, title, before } of proposals) {
        const chosen = { name, title, ...sharing };
        await share(cell, chosen, noLongerChosen(before, chosen, peers));
      }
      return { name: values.name, byLink };
    }
  });
  if (done?.byLink) {
    await commands.execute(CommandIDs.link, { name: done.name });
  }
  return done !== null;
}

/** A cell, and how its pane would be called; `before` is the pane that it has already. */
interface IProposal {
  cell: ISharedCell;
  output: number | null;
  name: string;
  title: string;
  before: IOwnPane | undefined;
}

function propose(
  cells: ISharedCell[],
  output: number | null,
  mine: readonly IOwnPane[]
): IProposal[] {
  const taken = mine.map(pane => pane.name);
  return cells.map(shared => {
    const before = panesOf(mine, shared.path, shared.cell.model.id).find(
      pane => pane.output === output
    );
    const title = before?.title ?? titleOf(shared.cell);
    const name = before?.name ?? nameOf(title, taken);
    taken.push(name);
    return { cell: shared, output, name, title, before };
  });
}

type Choices = Pick<ISharing, 'with' | 'grant' | 'tracebacks' | 'output'> &
  Partial<Pick<ISharing, 'name' | 'title'>>;

/** Values of the fields; name and title only if the dialog asks for them. */
function read(values: Values, output: number | null): Choices {
  const chosen = Object.keys(values).filter(name => name.startsWith(WITH));
  const { grant, name, title } = values;
  return {
    ...(name !== undefined && { name, title }),
    with: chosen.map(each => each.slice(WITH.length)),
    grant,
    tracebacks: 'tracebacks' in values,
    output: values.what === ALL ? null : output
  };
}

/** Peers of the dialog who may see the pane that a cell has, and are not chosen. */
function noLongerChosen(before: IOwnPane | undefined, chosen: ISharing, peers: IPeer[]): string[] {
  if (before?.name !== chosen.name) {
    return [];
  }
  const ids = peers.map(peer => peer.node_id);
  return ids.filter(id => id in before.grants && !chosen.with.includes(id));
}

interface IFieldsProps {
  view: IView;
  proposals: IProposal[];
  peers: IPeer[];
  canLink: boolean;
}

function Fields({ view, proposals, peers, canLink }: IFieldsProps): React.ReactElement {
  const { trans } = view;
  const [{ cell, output }] = proposals;
  const isSingle = proposals.length === 1;
  const { error, secret } = doubts(proposals.flatMap(each => outputsOf(each.cell.cell)));
  const shared = proposals.flatMap(({ before }) => before ?? []);
  const grants = shared.flatMap(each => Object.values(each.grants));
  // Where only some of them may use it, the dialog proposes the lesser grant for all.
  const mayUse = grants.length > 0 && grants.every(grant => grant === 'interact');
  return (
    <>
      {!isSingle && (
        <ul className="jp-Peers-sharedCells">
          {proposals.map(({ name, title }) => (
            <li key={name}>{title || name}</li>
          ))}
        </ul>
      )}
      {output !== null && (
        <fieldset className="jp-Peers-choices">
          <legend>{trans.__('What')}</legend>
          <label>
            <input type="radio" name="what" value="one" defaultChecked />
            {trans.__('this output, number %1 of the cell', output + 1)}
          </label>
          <label>
            <input type="radio" name="what" value={ALL} />
            {trans.__('all %1 outputs of the cell', cell.cell.model.outputs.length)}
          </label>
        </fieldset>
      )}
      <fieldset className="jp-Peers-choices">
        <legend>{trans.__('With')}</legend>
        {peers.map(peer => (
          <label key={peer.node_id}>
            <input
              type="checkbox"
              name={WITH + peer.node_id}
              defaultChecked={
                shared.length > 0
                  ? shared.some(({ grants }) => peer.node_id in grants)
                  : peers.length === 1
              }
            />
            <span>
              {displayName(peer)} <span className="jp-Peers-muted">{statusWord(peer, trans)}</span>
            </span>
          </label>
        ))}
        {canLink && (
          <label>
            <input type="checkbox" name={LINK} defaultChecked={peers.length === 0} />
            <span>
              {trans.__('Anyone with the link')}{' '}
              <span className="jp-Peers-muted">{trans.__('in any browser, without Jupyter')}</span>
            </span>
          </label>
        )}
      </fieldset>
      <fieldset className="jp-Peers-choices">
        <legend>{trans.__('They can')}</legend>
        <label>
          <input type="radio" name="grant" value="view" defaultChecked={!mayUse} />
          {trans.__('view it')}
        </label>
        <label>
          <input type="radio" name="grant" value="interact" defaultChecked={mayUse} />
          {trans.__('view it and use its controls')}
        </label>
      </fieldset>
      {isSingle && (
        <>
          <TextField
            label={trans.__('Title')}
            name="title"
            defaultValue={proposals[0].title}
            maxLength={512}
          />
          <TextField
            label={trans.__('Name, for commands')}
            name="name"
            defaultValue={proposals[0].name}
            required
            pattern="[A-Za-z0-9._\-]{1,64}"
          />
        </>
      )}
      {error && (
        <label className="jp-Peers-checkbox">
          <input type="checkbox" name="tracebacks" />
          <span>{trans.__('Show the traceback, which quotes lines of your code')}</span>
        </label>
      )}
      {secret && (
        <label className="jp-Peers-checkbox">
          <input type="checkbox" required />
          <span>{trans.__('The output may show a password or a key. Share it all the same')}</span>
        </label>
      )}
      <p className="jp-Peers-muted">
        {isSingle
          ? trans.__(
              'They see this output live, also when you run the cell again, until you stop it.'
            )
          : trans.__(
              'They see these outputs live, also when you run a cell again, until you stop each.'
            )}
      </p>
    </>
  );
}
