import { checkIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, useNow, usePanel, usePeersState } from './context';
import { Form, Steps, withStep } from './form';
import { displayName } from './model';
import { CopyButton, Failure } from './section';
import { IInvite, IMintedInvite, IPeer, IProgress } from './shapes';
import { lifetimeWords, peerSummary, relativeTime } from './wording';

export const LIFETIMES = ['10m', '1h', '24h', '7d'];

const PREFIX = 'jpeer1:';

/** Mint an invite: a text that one person can redeem once. */
export function InviteForm(props: {
  lifetime: string;
  live: boolean;
  onClose: () => void;
}): React.ReactElement {
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const [lifetime, setLifetime] = React.useState(props.lifetime);
  const [note, setNote] = React.useState('');
  const [minted, setMinted] = React.useState<IMintedInvite | null>(null);
  const now = useNow();

  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    run(async () => setMinted(await model.mintInvite(lifetime, note.trim())));
  };

  return (
    <Form title={trans.__('Invite someone')} onClose={props.onClose}>
      {minted ? (
        <div className="jp-Peers-minted">
          <p id="jp-Peers-mintedHelp">
            {trans.__(
              'Send this text to one person, over a channel that you both trust. In their Jupyter they choose “Pair”.'
            )}
          </p>
          <textarea
            readOnly
            className="jp-Peers-input jp-Peers-inviteText"
            rows={4}
            aria-label={trans.__('The invite')}
            aria-describedby="jp-Peers-mintedHelp"
            value={minted.invite}
            onFocus={event => event.target.select()}
          />
          <p className="jp-Peers-muted">
            {trans.__('Works once; expires %1.', relativeTime(minted.expires, now, trans))}
          </p>
          <div className="jp-Peers-formButtons">
            <CopyButton wide text={minted.invite} label={trans.__('Copy invite')} />
            <button type="button" className="jp-Peers-button" onClick={props.onClose}>
              {trans.__('Done')}
            </button>
          </div>
        </div>
      ) : (
        <form onSubmit={submit}>
          <label className="jp-Peers-field">
            <span>{trans.__('For whom (a note to yourself)')}</span>
            <input
              className="jp-Peers-input"
              data-autofocus
              value={note}
              maxLength={200}
              placeholder={trans.__('optional')}
              onChange={event => setNote(event.target.value)}
            />
          </label>
          <label className="jp-Peers-field">
            <span>{trans.__('Can be redeemed for')}</span>
            <select
              className="jp-Peers-input"
              value={lifetime}
              onChange={event => setLifetime(event.target.value)}
            >
              {LIFETIMES.map(each => (
                <option key={each} value={each}>
                  {lifetimeWords(each, trans)}
                </option>
              ))}
            </select>
          </label>
          <div className="jp-Peers-formButtons">
            <button
              type="submit"
              className="jp-Peers-button jp-mod-primary"
              disabled={busy || !props.live}
            >
              {trans.__('Create invite')}
            </button>
          </div>
          <Failure error={error} />
        </form>
      )}
      <OpenInvites now={now} live={props.live} except={minted?.id} />
    </Form>
  );
}

/** The invites that can still be redeemed, each to revoke. */
function OpenInvites(props: {
  now: number;
  live: boolean;
  except?: string;
}): React.ReactElement | null {
  const { model, trans } = usePanel();
  const { live } = props;
  const { error, run } = useAction();
  const [invites, setInvites] = React.useState<IInvite[]>([]);
  React.useEffect(() => {
    const load = () => run(async () => setInvites(await model.invites()));
    if (live) {
      load();
    }
    model.invitesChanged.connect(load);
    return () => {
      model.invitesChanged.disconnect(load);
    };
  }, [model, live, run]);
  const open = invites.filter(
    each => each.status === 'open' && each.expires > props.now && each.id !== props.except
  );
  if (open.length === 0) {
    return error && live ? <Failure error={error} /> : null;
  }
  return (
    <div className="jp-Peers-openInvites">
      <h4>{trans.__('Not redeemed yet')}</h4>
      <ul className="jp-Peers-list">
        {open.map(each => (
          <li key={each.id} className="jp-Peers-invite">
            <span>
              {each.note || trans.__('Invite %1', each.id)}
              <span className="jp-Peers-summary">
                {trans.__('expires %1', relativeTime(each.expires, props.now, trans))}
              </span>
            </span>
            <button
              type="button"
              className="jp-Peers-button"
              aria-label={trans.__('Revoke %1', each.note || each.id)}
              disabled={!live}
              onClick={() =>
                run(async () => {
                  await model.revokeInvite(each.id);
                  setInvites(await model.invites());
                })
              }
            >
              {trans.__('Revoke')}
            </button>
          </li>
        ))}
      </ul>
      <Failure error={error} />
    </div>
  );
}

/** Redeem an invite, with each path that is tried. */
export function PairForm(props: { live: boolean; onClose: () => void }): React.ReactElement {
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const [text, setText] = React.useState('');
  const [steps, setSteps] = React.useState<IProgress[]>([]);
  const [paired, setPaired] = React.useState<IPeer | null>(null);
  const { peers } = usePeersState(model);
  // What is known by now: the round trip, for one, is measured after pairing.
  const peer = peers.find(each => each.node_id === paired?.node_id) ?? paired;
  // The server reads an invite whatever people copied along with it: quotation marks, line breaks, words.
  const invite = text.trim();
  const wrong = invite !== '' && !invite.replace(/\s+/g, '').includes(PREFIX);
  const now = useNow();

  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (!invite || wrong || busy) {
      return;
    }
    setSteps([]);
    run(async () => {
      setPaired(await model.pair(invite, step => setSteps(known => withStep(known, step))));
    });
  };

  return (
    <Form title={trans.__('Pair with an invite')} onClose={props.onClose}>
      {peer ? (
        <div className="jp-Peers-paired" role="status">
          <p>
            <checkIcon.react tag="span" className="jp-Peers-ok" aria-hidden="true" />
            <span>
              {trans.__('Paired with %1', displayName(peer))}
              <span className="jp-Peers-summary">{peerSummary(peer, now, trans)}</span>
            </span>
          </p>
          <div className="jp-Peers-formButtons">
            <button
              type="button"
              className="jp-Peers-button jp-mod-primary"
              onClick={props.onClose}
            >
              {trans.__('Done')}
            </button>
          </div>
        </div>
      ) : (
        <form onSubmit={submit}>
          <label className="jp-Peers-field">
            <span>{trans.__('Paste the invite that you were sent')}</span>
            <textarea
              className="jp-Peers-input jp-Peers-inviteText"
              data-autofocus
              rows={4}
              placeholder={`${PREFIX}…`}
              spellCheck={false}
              aria-invalid={wrong}
              aria-describedby="jp-Peers-pairHelp"
              value={text}
              readOnly={busy}
              onChange={event => setText(event.target.value)}
              onKeyDown={event => event.key === 'Enter' && submit(event)}
            />
          </label>
          <p
            id="jp-Peers-pairHelp"
            className={wrong ? 'jp-Peers-failure' : 'jp-Peers-muted'}
            role={wrong ? 'alert' : undefined}
          >
            {wrong
              ? trans.__('This is not an invite: one starts with “%1”. Copy all of it.', PREFIX)
              : trans.__('You both see each other’s name and status; nothing else is shared yet.')}
          </p>
          <div className="jp-Peers-formButtons">
            <button
              type="submit"
              className="jp-Peers-button jp-mod-primary"
              disabled={busy || !invite || wrong || !props.live}
            >
              {busy ? trans.__('Pairing…') : trans.__('Pair')}
            </button>
          </div>
          <Steps steps={steps} busy={busy} />
          <Failure error={error} />
        </form>
      )}
    </Form>
  );
}
