import { Clipboard, ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { IView } from '../context';
import { CopyDialog, NotReachable } from '../panel/copydialog';
import { ChoiceField, runForm, TextField } from '../panel/dialog';
import { QrCode } from '../panel/qr';
import { IMintedLink } from '../shapes';
import { lifetimeWords, relativeTime } from '../wording';
import { ILinkChoice, LinksModel } from './model';
import { reachOf, whoCanOpen } from './words';

const LIVES: Record<string, number> = { '1h': 3600, '8h': 28_800, '24h': 86_400, '7d': 604_800 };
const MOST_GUESTS = 64;

/** Ask how long and for how many, make a link that opens a pane, and show it. */
export async function makeLink(
  { trans }: IView,
  links: LinksModel,
  pane: string,
  title: string
): Promise<void> {
  const made = await runForm({
    trans,
    title: trans.__('Anyone with the link: %1', title),
    action: trans.__('Make link'),
    fields: <Fields trans={trans} />,
    task: async ({ grant, life, count }) => {
      const choice = { pane, grant, ttl_s: LIVES[life], max_guests: Number(count) };
      return { choice, minted: await links.make(choice) };
    }
  });
  if (made) {
    const shown = new MintedLink(made.minted, made.choice, links, trans);
    const dialog = new CopyDialog(trans.__('Your link'), trans.__('Copy link'), shown, trans);
    await dialog.launch().catch(() => undefined);
  }
}

function Fields({ trans }: { trans: TranslationBundle }): React.ReactElement {
  return (
    <>
      <p>
        {trans.__(
          'A link opens this output in any browser, live. Whoever has it needs no Jupyter and no account.'
        )}
      </p>
      <ChoiceField
        label={trans.__('The link works for')}
        name="life"
        defaultValue="8h"
        choices={Object.keys(LIVES).map(each => [each, lifetimeWords(each, trans)])}
      />
      <TextField
        label={trans.__('People at once')}
        name="count"
        type="number"
        required
        min={1}
        max={MOST_GUESTS}
        defaultValue={String(MOST_GUESTS)}
      />
      <ChoiceField
        label={trans.__('They can')}
        name="grant"
        defaultValue="view"
        choices={[
          ['view', trans.__('view it')],
          ['interact', trans.__('view it and use its controls')]
        ]}
      />
    </>
  );
}

/** A new link: its text, its QR code, and who can open it. */
class MintedLink extends ReactWidget {
  constructor(
    private _minted: IMintedLink,
    private readonly _choice: ILinkChoice,
    private readonly _links: LinksModel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Peers-form');
  }

  copy(): void {
    Clipboard.copyToSystem(this._minted.link);
    this._copied = true;
    this.update();
  }

  override render(): React.ReactElement {
    const trans = this._trans;
    const { link, expires, qr } = this._minted;
    const ends = relativeTime(expires, Date.now() / 1000, trans);
    return (
      <>
        <textarea
          readOnly
          className="jp-Peers-textArea jp-Peers-inviteText"
          rows={3}
          aria-label={trans.__('The link')}
          aria-describedby="jp-Peers-linkHelp"
          value={link}
          onFocus={event => event.target.select()}
        />
        <p id="jp-Peers-linkHelp">{whoCanOpen(link, this._choice.grant, trans)}</p>
        {reachOf(link) === 'computer' && (
          <NotReachable
            words={trans.__(
              'No other computer can reach you. Open your node to this network, or choose a relay below “Who can reach me”, and make a new link.'
            )}
            trans={trans}
            open={this._openToNetwork}
          />
        )}
        {qr && <QrCode svg={qr} label={trans.__('QR code of the link')} />}
        <p className="jp-Peers-muted">
          {trans.__('Expires %1. Stop it at any moment in the Peers panel, below “Links”.', ends)}
        </p>
        <p role="status">{this._copied ? trans.__('Copied to the clipboard.') : ''}</p>
      </>
    );
  }

  private readonly _openToNetwork = async (): Promise<void> => {
    this._minted = await this._links.makeForNetwork(this._minted.id, this._choice);
    this._copied = false;
    this.update();
  };

  private _copied = false;
}
