import { TranslationBundle } from '@jupyterlab/translation';
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, useFollowed, useNow, useView, IView } from '../context';
import { ChoiceField, runForm, TextField } from '../panel/dialog';
import { PeerError } from '../requests';
import { Failure } from '../section';
import { IInvite } from '../shapes';
import { lifetimeWords, relativeTime } from '../wording';
import { InviteDialog } from './minted';
import { PairingModel, seconds } from './model';
import { RelayField } from './relay';

export const LIFETIMES = ['10m', '1h', '24h', '7d'];

/** Create an invite, and show its text to copy or its code to say. */
export async function inviteSomebody(
  { trans }: IView,
  pairing: PairingModel,
  lifetime: string
): Promise<void> {
  const minted = await runForm({
    trans,
    title: trans.__('Invite a peer'),
    action: trans.__('Create invite'),
    fields: error => (
      <InviteFields lifetime={lifetime} error={error} pairing={pairing} trans={trans} />
    ),
    task: async ({ way, lifetime, note, relay }) => {
      if (relay) {
        await pairing.meetAt(relay);
      }
      const made = await (way === 'code'
        ? pairing.createCode(note)
        : pairing.create(seconds(lifetime), note));
      return { ...made, note };
    }
  });
  if (minted) {
    await new InviteDialog(minted, pairing, trans).launch().catch(() => undefined);
  }
}

function InviteFields(props: {
  lifetime: string;
  error: PeerError | null;
  pairing: PairingModel;
  trans: TranslationBundle;
}): React.ReactElement {
  const { lifetime, error, pairing, trans } = props;
  const [isCode, setIsCode] = React.useState(false);
  return (
    <>
      <TextField
        label={trans.__('For whom (a note to yourself)')}
        name="note"
        maxLength={200}
        placeholder={trans.__('optional')}
      />
      <ChoiceField
        label={trans.__('You give it as')}
        name="way"
        defaultValue="text"
        choices={[
          ['text', trans.__('a text to send')],
          ['code', trans.__('a code to say')]
        ]}
        onChange={event => setIsCode(event.target.value === 'code')}
      />
      {isCode ? (
        <>
          <p className="jp-Peers-muted">
            {trans.__('A code works for 10 minutes, and one wrong guess makes it void.')}
          </p>
          <RelayField error={error} pairing={pairing} trans={trans} />
        </>
      ) : (
        <ChoiceField
          label={trans.__('The invite works for')}
          name="lifetime"
          defaultValue={lifetime}
          choices={LIFETIMES.map(each => [each, lifetimeWords(each, trans)])}
        />
      )}
    </>
  );
}

/** The invites that can still be redeemed. */
export function openInvites(invites: readonly IInvite[], now: number): IInvite[] {
  return invites.filter(each => each.status === 'open' && each.expires > now);
}

/** The open invites, each with a button that revokes it. */
export function InviteList({ pairing }: { pairing: PairingModel }): React.ReactElement {
  const { trans } = useView();
  const { busy, error, run } = useAction();
  const invites = useFollowed(pairing.changed, () => pairing.invites);
  const now = useNow();
  return (
    <>
      <ul className="jp-Peers-list" aria-label={trans.__('Open invites')}>
        {openInvites(invites, now).map(each => {
          const name = each.note || trans.__('Invite');
          const expires = trans.__('expires %1', relativeTime(each.expires, now, trans));
          return (
            <li key={each.id} className="jp-Peers-row">
              <span className="jp-Peers-name" title={name}>
                {name}
              </span>
              <span className="jp-Peers-muted">
                {each.code === 'waiting' && trans.__('by a code') + ' · '}
                {expires}
              </span>
              <Button
                minimal
                small
                type="button"
                aria-label={
                  each.note
                    ? trans.__('Revoke %1', each.note)
                    : trans.__('Revoke the invite that %1', expires)
                }
                aria-disabled={busy}
                onClick={() => run(() => pairing.revoke(each.id))}
              >
                {trans.__('Revoke')}
              </Button>
            </li>
          );
        })}
      </ul>
      <Failure error={error} trans={trans} />
    </>
  );
}
