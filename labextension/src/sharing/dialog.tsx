import * as React from 'react';
import { CommandIDs } from '../tokens';
import { IView } from '../context';
import { runForm, Values } from '../panel/dialog';
import { IOwnPane } from '../shapes';
import { doubts, ISharedCell, ISharing, nameOf, outputsOf, panesOf, titleOf } from './cells';
import {
  AudienceFields,
  choosable,
  IChoosable,
  NameFields,
  noLongerChosen,
  readAudience
} from './fields';

const ALL = 'all';
/** A widget in an output; the page does not know of which library it is. */
const WIDGET = 'application/vnd.jupyter.widget-view+json';

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
  const { peers, ...others } = choosable(view);
  const canLink = others.canLink && cells.length === 1;
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
    fields: <Fields view={view} proposals={proposals} choosable={{ peers, canLink }} />,
    task: async values => {
      const { audience, byLink } = readAudience(values, canLink, trans);
      const choices = { ...audience, ...read(values, output) };
      for (const { cell, name, title, before } of proposals) {
        const chosen = { name, title, ...choices };
        await share(cell, chosen, noLongerChosen(before, chosen.name, chosen.with, peers));
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

type Choices = Pick<ISharing, 'tracebacks' | 'output'> & Partial<Pick<ISharing, 'name' | 'title'>>;

/** Values of the fields besides the audience; name and title only if the dialog asks for them. */
function read({ name, title, ...values }: Values, output: number | null): Choices {
  return {
    ...(name !== undefined && { name, title }),
    tracebacks: 'tracebacks' in values,
    output: values.what === ALL ? null : output
  };
}

interface IFieldsProps {
  view: IView;
  proposals: IProposal[];
  choosable: IChoosable;
}

function Fields({ view, proposals, choosable }: IFieldsProps): React.ReactElement {
  const { trans } = view;
  const [{ cell, output }] = proposals;
  const isSingle = proposals.length === 1;
  const outputs = proposals.flatMap(each => outputsOf(each.cell.cell));
  const { error, secret } = doubts(outputs);
  const hasWidgets = outputs.some(each => WIDGET in ((each.data as object | undefined) ?? {}));
  const shared = proposals.flatMap(({ before }) => before ?? []);
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
      <AudienceFields
        view={view}
        choosable={choosable}
        shared={shared}
        mayHaveWidgets={hasWidgets}
      />
      {isSingle && <NameFields trans={trans} name={proposals[0].name} title={proposals[0].title} />}
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
