import { Clipboard, ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useNow } from '../context';
import { CopyDialog, NotReachable } from '../panel/copydialog';
import { QrCode } from '../panel/qr';
import { IInvite, IMintedInvite } from '../shapes';
import { relativeTime } from '../wording';
import { PairingModel } from './model';

type INotedInvite = IMintedInvite & { note: string };

/** A new invite or its code. After its end, the dialog shows the reason instead. */
export class InviteDialog extends CopyDialog<MintedInvite> {
  constructor(
    minted: INotedInvite,
    private readonly _pairing: PairingModel,
    trans: TranslationBundle
  ) {
    const [title, copy] = minted.code
      ? [trans.__('Your code'), trans.__('Copy code')]
      : [trans.__('Your invite'), trans.__('Copy invite')];
    super(title, copy, new MintedInvite(minted, _pairing, trans), trans);
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
      Clipboard.copyToSystem(this._minted.code ?? this._minted.invite);
      this._copied = true;
      this.update();
    }
  }

  /** Whether somebody can use it. */
  get isOpen(): boolean {
    return this._end === null;
  }

  override render(): React.ReactElement {
    const trans = this._trans;
    if (this._end !== null) {
      return <p role="status">{this._end}</p>;
    }
    const { code } = this._minted;
    return (
      <>
        {code ? (
          <CodeToSay code={code} expires={this._minted.expires} trans={trans} />
        ) : (
          <TextToSend minted={this._minted} trans={trans} openToNetwork={this._openToNetwork} />
        )}
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

  private get _end(): string | null {
    const known = this._pairing.invites.find(invite => invite.id === this._minted.id);
    return known ? endWords(known, this._trans) : null;
  }

  private _copied = false;
}

function CodeToSay(props: {
  code: string;
  expires: number;
  trans: TranslationBundle;
}): React.ReactElement {
  const { code, expires, trans } = props;
  const now = useNow();
  return (
    <>
      <p id="jp-Peers-mintedHelp">
        {trans.__(
          'Say this code to one person. In their Jupyter they choose “Pair” and type it. You both need the same relay.'
        )}
      </p>
      <output
        className="jp-Peers-code"
        aria-label={trans.__('The code')}
        aria-describedby="jp-Peers-mintedHelp"
      >
        {code}
      </output>
      <p className="jp-Peers-muted">
        {trans.__(
          'Works once; expires %1. One wrong guess makes it void, and you will see that here.',
          relativeTime(expires, now, trans)
        )}
      </p>
    </>
  );
}

function TextToSend(props: {
  minted: IMintedInvite;
  trans: TranslationBundle;
  openToNetwork: () => Promise<void>;
}): React.ReactElement {
  const { minted, trans, openToNetwork } = props;
  const now = useNow();
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
        value={minted.invite}
        onFocus={event => event.target.select()}
      />
      {minted.local_only && (
        <NotReachable
          words={trans.__(
            'This invite works on this computer only: no other computer can reach you.'
          )}
          trans={trans}
          open={openToNetwork}
        />
      )}
      {minted.qr && <QrCode svg={minted.qr} label={trans.__('QR code of the invite')} />}
      <p className="jp-Peers-muted">
        {trans.__('Works once; expires %1.', relativeTime(minted.expires, now, trans))}
      </p>
    </>
  );
}

/** Why an invite or its code is no longer valid; null while it is valid. */
function endWords({ code, status }: IInvite, trans: TranslationBundle): string | null {
  switch (code) {
    case 'used':
      return trans.__('This code was used. It cannot be used again.');
    case 'wrong':
      return trans.__(
        'Somebody used a wrong code, so this one is void. Make a new one if you did not expect that.'
      );
    case 'expired':
      return trans.__('This code has expired. Nobody can use it.');
    case 'ended':
      return trans.__(
        'This code is void: the relay is not connected, or its invite was revoked. Make a new one.'
      );
  }
  switch (status) {
    case 'used':
      return trans.__('This invite was redeemed. It cannot be used again.');
    case 'revoked':
      return trans.__('This invite was revoked. Nobody can redeem it.');
    case 'expired':
      return trans.__('This invite has expired. Nobody can redeem it.');
    default:
      return null;
  }
}
