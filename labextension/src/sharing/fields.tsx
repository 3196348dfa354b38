import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { IView } from '../context';
import { displayName } from '../model';
import { ChoiceField, TextField, Values } from '../panel/dialog';
import { PeerError } from '../requests';
import { IOwnPane, IPeer, OtherWidgets } from '../shapes';
import { CommandIDs } from '../tokens';
import { statusWord } from '../wording';

const WITH = 'with:';
const LINK = 'by-link';

/** A person's choice of who may see what is shared, and what they may do with it. */
export interface IAudience {
  with: string[];
  grant: string;
  /** Input that widgets of other libraries accept; not given, a pane that is shared again keeps the choice. */
  other_widgets?: OtherWidgets;
}

/** Who can be chosen: the paired peers, and where the page can make one a link. */
export interface IChoosable {
  peers: IPeer[];
  canLink: boolean;
}

export function choosable({ commands, model }: IView): IChoosable {
  return {
    peers: model.state.peers.filter(peer => peer.trusted && !peer.blocked),
    canLink: commands.hasCommand(CommandIDs.link)
  };
}

/**
 * Return whom a person has chosen, and whether a link is to be made.
 *
 * @throws PeerError when nobody is.
 */
export function readAudience(
  values: Values,
  canLink: boolean,
  trans: TranslationBundle
): { audience: IAudience; byLink: boolean } {
  const chosen = Object.keys(values).filter(name => name.startsWith(WITH));
  const byLink = LINK in values;
  if (chosen.length === 0 && !byLink) {
    throw new PeerError({
      code: 'bad_request',
      message: trans.__('nobody is chosen'),
      hint: canLink
        ? trans.__('choose at least one peer, or anyone with the link')
        : trans.__('choose at least one peer')
    });
  }
  const { grant, other_widgets } = values;
  const audience: IAudience = {
    with: chosen.map(each => each.slice(WITH.length)),
    grant,
    ...(other_widgets !== undefined && { other_widgets: other_widgets as OtherWidgets })
  };
  return { audience, byLink };
}

/** Peers of the dialog who may see a pane that is there already, and are not chosen. */
export function noLongerChosen(
  before: IOwnPane | undefined,
  name: string,
  chosen: readonly string[],
  peers: IPeer[]
): string[] {
  if (before?.name !== name) {
    return [];
  }
  const ids = peers.map(peer => peer.node_id);
  return ids.filter(id => id in before.grants && !chosen.includes(id));
}

/**
 * With whom something is shared, and what they can do.
 *
 * @param props.shared - The panes that are there already; they show who may see them.
 * @param props.mayHaveWidgets - Whether the choice about widgets of other libraries has a meaning.
 */
export function AudienceFields(props: {
  view: IView;
  choosable: IChoosable;
  shared: IOwnPane[];
  mayHaveWidgets: boolean;
}): React.ReactElement {
  const { shared, mayHaveWidgets } = props;
  const { peers, canLink } = props.choosable;
  const { trans } = props.view;
  const grants = shared.flatMap(each => Object.values(each.grants));
  // Where only some of them may use it, the dialog proposes the lesser grant for all.
  const [mayUse, setMayUse] = React.useState(
    grants.length > 0 && grants.every(grant => grant === 'interact')
  );
  return (
    <>
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
          <input
            type="radio"
            name="grant"
            value="view"
            checked={!mayUse}
            onChange={() => setMayUse(false)}
          />
          {trans.__('view it')}
        </label>
        <label>
          <input
            type="radio"
            name="grant"
            value="interact"
            checked={mayUse}
            onChange={() => setMayUse(true)}
          />
          {trans.__('view it and use its controls')}
        </label>
      </fieldset>
      {mayUse && mayHaveWidgets && (
        <ChoiceField
          label={trans.__('Widgets that are not of ipywidgets accept')}
          name="other_widgets"
          defaultValue={shared[0]?.other_widgets ?? 'values'}
          choices={[
            ['values', trans.__('plain values')],
            ['none', trans.__('nothing')],
            ['all', trans.__('everything but code')]
          ]}
        />
      )}
    </>
  );
}

/** The title and the name of a pane. */
export function NameFields(props: {
  trans: TranslationBundle;
  name: string;
  title: string;
}): React.ReactElement {
  const { trans, name, title } = props;
  return (
    <>
      <TextField label={trans.__('Title')} name="title" defaultValue={title} maxLength={512} />
      <TextField
        label={trans.__('Name, for commands')}
        name="name"
        defaultValue={name}
        required
        pattern="[A-Za-z0-9._\-]{1,64}"
      />
    </>
  );
}
