import { Dialog } from '@jupyterlab/apputils';
import { Button, editIcon, infoIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IView, usePeersState, useView } from '../context';
import { displayName, IPeersState, IStatusChange, PeersModel } from '../model';
import { CopyButton, Failure, IconButton, View } from '../section';
import { IIdentity } from '../shapes';
import { CommandIDs } from '../tokens';
import { statusWord } from '../wording';
import { NamePrompt } from './nameprompt';

/** The top of the panel: who this node is, and how it stands with its own server. */
export function PanelHeader(): React.ReactElement {
  const { model, trans } = useView();
  const state = usePeersState();
  return (
    <>
      {state.phase === 'loading' && (
        <p className="jp-Peers-text" role="status">
          {trans.__('Loading this node and its peers…')}
        </p>
      )}
      {state.phase === 'error' && (
        <div className="jp-Peers-text">
          <Failure error={state.error} trans={trans} />
          <Button
            type="button"
            className="jp-mod-styled jp-mod-accept"
            onClick={() => void model.refresh()}
          >
            {trans.__('Try again')}
          </Button>
        </div>
      )}
      {state.phase === 'ready' && !state.live && <Interrupted state={state} />}
      {state.identity && !state.identity.named && (
        <NamePrompt proposal={state.identity.node_name} />
      )}
      {state.identity && <ThisNode identity={state.identity} live={state.live} />}
      <Announcer />
    </>
  );
}

function ThisNode(props: { identity: IIdentity; live: boolean }): React.ReactElement {
  const { node_id, node_name } = props.identity;
  const { commands, trans } = useView();
  const button = (id: string, icon: typeof editIcon) => (
    <IconButton
      icon={icon}
      label={commands.label(id)}
      disabled={!props.live}
      onClick={() => void commands.execute(id)}
    />
  );
  return (
    <section className="jp-Peers-row jp-Peers-self" aria-label={trans.__('This node')}>
      <span className="jp-Peers-name" title={node_name}>
        {node_name}
      </span>
      <code className="jp-Peers-muted" title={node_id}>
        {node_id}
      </code>
      <CopyButton text={node_id} label={trans.__('Copy the node id')} />
      {button(CommandIDs.rename, editIcon)}
      {button(CommandIDs.details, infoIcon)}
    </section>
  );
}

/** Contact with the own server is lost: what is shown may be old. */
function Interrupted({ state }: { state: IPeersState }): React.ReactElement {
  const { model, trans } = useView();
  return (
    <div className="jp-Peers-notice" role="status">
      <span>
        {state.retryAt === null
          ? trans.__('Connecting to your Jupyter server…')
          : trans.__('Your Jupyter server does not answer. The panel shows the last known state.')}
      </span>
      {state.retryAt !== null && (
        <Button
          type="button"
          className="jp-mod-styled jp-mod-reject"
          onClick={() => void model.refresh()}
        >
          {trans.__('Try now')}
        </Button>
      )}
    </div>
  );
}

/** Says changes of status aloud to people who do not see the dots. */
function Announcer(): React.ReactElement {
  const { model, trans } = useView();
  const [text, setText] = React.useState('');
  React.useEffect(() => {
    const onChange = (_: PeersModel, { peer }: IStatusChange) =>
      setText(trans.__('%1: %2', displayName(peer), statusWord(peer, trans)));
    model.statusChanged.connect(onChange);
    return () => {
      model.statusChanged.disconnect(onChange);
    };
  }, [model, trans]);
  return (
    <div className="jp-sr-only" aria-live="polite">
      {text}
    </div>
  );
}

/** Show what people compare before they trust, and where peers can dial this node. */
export async function showDetails(view: IView): Promise<void> {
  const { trans } = view;
  const dialog = new Dialog({
    title: trans.__('This node'),
    body: new View(view, () => <Details />),
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
  await dialog.launch();
}

function Details(): React.ReactElement | null {
  const { trans } = useView();
  const { identity } = usePeersState();
  if (!identity) {
    return null;
  }
  const { addresses, fingerprint } = identity;
  return (
    <dl className="jp-Peers-details">
      {fingerprint && (
        <>
          <dt>{trans.__('Fingerprint')}</dt>
          <dd>
            <code>{fingerprint}</code>
            <CopyButton text={fingerprint} label={trans.__('Copy the fingerprint')} />
          </dd>
        </>
      )}
      <dt>{trans.__('Addresses')}</dt>
      {addresses.length === 0 && (
        <dd className="jp-Peers-muted">
          {trans.__('None yet: peers cannot dial this node, but it can dial them.')}
        </dd>
      )}
      {addresses.map(address => (
        <dd key={address}>
          <code>{address}</code>
          <CopyButton text={address} label={trans.__('Copy the address %1', address)} />
        </dd>
      ))}
    </dl>
  );
}
