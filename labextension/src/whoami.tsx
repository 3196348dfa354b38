import { caretDownIcon, caretRightIcon, editIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { usePanel } from './context';
import { RenameForm } from './rename';
import { CopyButton } from './section';
import { IIdentity } from './shapes';

/** Who this node is: its name to change, its id to copy, and what others compare and dial. */
export function WhoAmI(props: { identity: IIdentity; live: boolean }): React.ReactElement {
  const { identity, live } = props;
  const { model, trans, examine } = usePanel();
  const [renaming, setRenaming] = React.useState(false);
  const [open, setOpen] = React.useState(false);
  const detailsId = React.useId();
  const rename = React.useRef<HTMLButtonElement>(null);
  const Caret = open ? caretDownIcon : caretRightIcon;

  const closeRename = () => {
    setRenaming(false);
    // The form is gone; whoever used the keyboard goes on where they were.
    window.setTimeout(() => rename.current?.focus(), 0);
  };

  return (
    <section className="jp-Peers-whoami" aria-label={trans.__('This node')}>
      <div className="jp-Peers-card">
        <span className="jp-Peers-avatar" aria-hidden="true">
          {initial(identity.node_name)}
        </span>
        <div className="jp-Peers-cardBody">
          {renaming ? (
            <RenameForm
              label={trans.__('Name of this node')}
              value={identity.node_name}
              save={name => model.setName(name)}
              onClose={closeRename}
            />
          ) : (
            <div className="jp-Peers-nameLine">
              <span className="jp-Peers-ownName" title={identity.node_name}>
                {identity.node_name}
              </span>
              <button
                ref={rename}
                type="button"
                className="jp-Peers-iconButton"
                aria-label={trans.__('Rename this node')}
                title={trans.__('Rename this node')}
                disabled={!live}
                onClick={() => setRenaming(true)}
              >
                <editIcon.react tag="span" aria-hidden="true" />
              </button>
            </div>
          )}
          <div className="jp-Peers-idLine">
            <code className="jp-Peers-nodeId">{identity.node_id}</code>
            <CopyButton text={identity.node_id} label={trans.__('Copy the node id')} />
          </div>
        </div>
      </div>
      <button
        type="button"
        className="jp-Peers-disclosure"
        aria-expanded={open}
        aria-controls={detailsId}
        onClick={() => setOpen(!open)}
      >
        <Caret.react tag="span" className="jp-Peers-caret" aria-hidden="true" />
        {trans.__('Fingerprint and addresses')}
      </button>
      <dl id={detailsId} className="jp-Peers-details" hidden={!open}>
        {identity.fingerprint && (
          <>
            <dt>{trans.__('Fingerprint')}</dt>
            <dd>
              <code className="jp-Peers-fingerprint">{identity.fingerprint}</code>
              <CopyButton text={identity.fingerprint} label={trans.__('Copy the fingerprint')} />
            </dd>
          </>
        )}
        <dt>{trans.__('Addresses')}</dt>
        {identity.addresses.length === 0 && (
          <dd className="jp-Peers-muted">
            {trans.__('None yet: peers cannot dial this node, but it can dial them.')}
          </dd>
        )}
        {identity.addresses.map(address => (
          <dd key={address}>
            <code>{address}</code>
            <CopyButton text={address} label={trans.__('Copy the address %1', address)} />
          </dd>
        ))}
      </dl>
      <button
        type="button"
        className="jp-Peers-disclosure"
        disabled={!live}
        onClick={() => examine(null)}
      >
        <caretRightIcon.react tag="span" className="jp-Peers-caret" aria-hidden="true" />
        {trans.__('What works, what does not')}
      </button>
    </section>
  );
}

function initial(name: string): string {
  const first = /[\p{L}\p{N}]/u.exec(name);
  return first ? first[0].toUpperCase() : '?';
}
