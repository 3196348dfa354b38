import { Notification } from '@jupyterlab/apputils';
import * as React from 'react';
import { IView } from '../context';
import { displayName } from '../model';
import { runForm } from '../panel/dialog';
import { PeerError } from '../requests';
import { IPeer } from '../shapes';
import { peerSummary } from '../wording';
import { PairingModel } from './model';
import { RelayField } from './relay';

const PREFIX = 'jpeer1:';
/** A code that somebody said, as the server reads it: a number and two words. */
const CODE = /^\s*\d{1,3}[\s_-]+[a-z]+[\s_-]+[a-z]+\s*$/i;
const SHOWN_MS = 10_000;

/** Redeem an invite, with each path that is tried, and say who the peer is. */
export async function pairWithInvite(view: IView, pairing: PairingModel): Promise<void> {
  const { model, trans } = view;
  const before = new Set(model.state.peers.filter(peer => peer.trusted).map(each => each.node_id));
  const peer = await runForm({
    trans,
    title: trans.__('Pair with a peer'),
    action: trans.__('Pair'),
    fields: error => <InviteField view={view} error={error} pairing={pairing} />,
    // The server reads an invite whatever people copied along with it: quotation marks, words.
    task: async ({ invite, relay }, onStep) => {
      if (relay) {
        await pairing.meetAt(relay);
      }
      return pairing.pair(invite, onStep);
    }
  });
  if (peer) {
    const words = outcome(peer, before.has(peer.node_id), view);
    const summary = peerSummary(peer, Date.now() / 1000, trans).join(' · ');
    Notification.emit(`${words} ${summary}.`, peer.trusted ? 'success' : 'warning', {
      autoClose: SHOWN_MS
    });
  }
}

/**
 * Say what redeeming an invite has changed. A peer that is connected already answers a second
 * invite too, although nothing new was agreed.
 */
function outcome(peer: IPeer, wasPaired: boolean, { trans }: IView): string {
  const name = displayName(peer);
  if (!peer.trusted) {
    return trans.__('Connected with %1, but not paired.', name);
  }
  return wasPaired
    ? trans.__('You are already paired with %1.', name)
    : trans.__('Paired with %1.', name);
}

function InviteField(props: {
  view: IView;
  error: PeerError | null;
  pairing: PairingModel;
}): React.ReactElement {
  const { trans } = props.view;
  const [isCode, setIsCode] = React.useState(false);
  return (
    <>
      <label className="jp-Peers-field">
        <span>{trans.__('Paste the invite that you received')}</span>
        <textarea
          required
          className="jp-Peers-textArea jp-Peers-inviteText"
          name="invite"
          rows={5}
          placeholder={`${PREFIX}…`}
          spellCheck={false}
          aria-describedby="jp-Peers-pairHelp"
          onInput={({ currentTarget }) => {
            const text = currentTarget.value.replace(/\s+/g, '');
            const saidCode = CODE.test(currentTarget.value);
            const wrong = text !== '' && !text.includes(PREFIX) && !saidCode;
            setIsCode(saidCode);
            currentTarget.setCustomValidity(
              wrong
                ? trans.__('This is not an invite: one starts with “%1”. Copy all of it.', PREFIX)
                : ''
            );
          }}
        />
      </label>
      <p id="jp-Peers-pairHelp" className="jp-Peers-muted">
        {trans.__(
          'Or type a code that somebody told you, such as 7-adult-amulet. You both see each other’s name and status. Nothing else is shared yet.'
        )}
      </p>
      {isCode && <RelayField error={props.error} pairing={props.pairing} trans={trans} />}
    </>
  );
}
