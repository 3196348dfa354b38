import { Clipboard, ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, useFollowed, useNow, useView, IView } from '../context';
import { CopyDialog, NotReachable } from '../panel/copydialog';
import { ChoiceField, runForm, TextField } from '../panel/dialog';
import { Failure } from '../section';
import { IInvite, IMintedInvite } from '../shapes';
import { lifetimeWords, relativeTime } from '../wording';
import { PairingModel } from './model';

export const LIFETIMES = ['10m', '1h', '24h', '7d'];

/** Create an invite, and show its text to copy. */
export async function inviteSomebody(
  { trans }: IView,
  pairing: PairingModel,
  lifetime: string
): Promise<void> {
  const minted = await runForm({
    trans,
    title: trans.__('Invite a peer'),
    action: trans.__('Create invite'),
    fields: (
      <>
        <TextField
          label={trans.__('For whom (a note to yourself)')}
          name="note"
          maxLength={200}
          placeholder={trans.__('optional')}
        />
        <ChoiceField
          label={trans.__('Can be redeemed for')}
          name="lifetime"
          defaultValue={lifetime}
          choices={LIFETIMES.map(each => [each, lifetimeWords(each, trans)])}
        />
      </>
    ),
    task: async ({ lifetime, note }) => ({ ...(await pairing.create(lifetime, note)), note })
  });
  if (minted) {
    await new InviteDialog(minted, pairing, trans).launch().catch(() => undefined);
  }
}

type INotedInvite = IMintedInvite & { note: string };

/** The text of a new invite. Once it is redeemed or revoked it is no longer offered. */
class InviteDialog extends CopyDialog<MintedInvite> {
  constructor(
    minted: INotedInvite,
    private readonly _pairing: PairingModel,
    trans: TranslationBundle
  ) {
    const shown = new MintedInvite(minted, _pairing, trans);
    super(trans.__('Your invite'), trans.__('Copy invite'), shown, trans);
    _pairing.changed.connect(this._update, this);
  }

  override dispose(): void {
    this._pairing.changed.disconnect(this._update, this);
    super.dispose();
  }

  private _update(): void {
    const [done, copy] = this.node.querySelectorAll<HTMLButtonElement>('.jp-Dialog-footer button');
    copy.disabled = !this.shown.isOpen;
    if (copy.disabled && this.node.contains(document.activeElement)) {
      done.focus();
    }
    this.shown.update();
  }
}

class MintedInvite extends ReactWidget {
  constructor(
    private _minted: INotedInvite,
    private readonly _pairing: PairingModel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Peers-form');
  }

  copy(): void {
    if (this.isOpen) {
      Clipboard.copyToSystem(this._minted.invite);
      this._copied = true;
      this.update();
    }
  }

  get isOpen(): boolean {
    return this._status === 'open';
  }

  override render(): React.ReactElement {
    const trans = this._trans;
    if (!this.isOpen) {
      const words = {
        used: trans.__('This invite was redeemed. It cannot be used again.'),
        revoked: trans.__('This invite was revoked. Nobody can redeem it.'),
        expired: trans.__('This invite has expired. Nobody can redeem it.')
      };
      return <p role="status">{words[this._status as keyof typeof words]}</p>;
    }
    return (
      <>
        <p id="jp-Peers-mintedHelp">
          {trans.__(
            'Send this text to one person, over a channel that you both trust. In their Jupyter they choose “Pair”.'
          )}
        </p>
        <textarea
          readOnly
          className="jp-Peers-textArea jp-Peers-inviteText"
          rows={5}
          aria-label={trans.__('The invite')}
          aria-describedby="jp-Peers-mintedHelp"
          value={this._minted.invite}
          onFocus={event => event.target.select()}
        />
        {this._minted.local_only && (
          <NotReachable
            words={trans.__(
              'This invite works on this computer only: no other computer can reach you.'
            )}
            trans={trans}
            open={this._openToNetwork}
          />
        )}
        <p className="jp-Peers-muted">
          {trans.__(
            'Works once; expires %1.',
            relativeTime(this._minted.expires, Date.now() / 1000, trans)
          )}
        </p>
        <p role="status">{this._copied ? trans.__('Copied to the clipboard.') : ''}</p>
      </>
    );
  }

  private readonly _openToNetwork = async (): Promise<void> => {
    const { note } = this._minted;
    this._minted = { ...(await this._pairing.createForNetwork(this._minted, note)), note };
    this._copied = false;
    this.update();
  };

  private get _status(): IInvite['status'] {
    const known = this._pairing.invites.find(invite => invite.id === this._minted.id);
    return known?.status ?? 'open';
  }

  private _copied = false;
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
          const name = each.note || trans.__('Invite %1', each.id);
          return (
            <li key={each.id} className="jp-Peers-row">
              <span className="jp-Peers-name" title={name}>
                {name}
              </span>
              <span className="jp-Peers-muted">
                {trans.__('expires %1', relativeTime(each.expires, now, trans))}
              </span>
              <Button
                minimal
                small
                type="button"
                aria-label={trans.__('Revoke %1', each.note || each.id)}
                disabled={busy}
                onClick={() => run(() => pairing.revoke(each.id))}
              >
                {trans.__('Revoke')}
              </Button>
            </li>
          );
        })}
      </ul>
      <Failure error={error} />
    </>
  );
}
