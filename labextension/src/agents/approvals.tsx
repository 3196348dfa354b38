import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { IApproval } from '../shapes';
import { ApprovalsModel } from './model';

/** One call of a tool as its owner has to read it. All of it is text: React shows it as it is. */
export function ApprovalText(props: {
  approval: IApproval;
  trans: TranslationBundle;
}): React.ReactElement {
  const { approval, trans } = props;
  return (
    <div className="jp-Peers-approval">
      <p>
        {trans.__(
          '%1 has asked your agent %2, and it wants to use a tool that does more than look.',
          approval.peer_name || approval.peer,
          approval.agent
        )}
      </p>
      <dl>
        <dt>{trans.__('Tool')}</dt>
        <dd>
          <code>{approval.tool}</code>
        </dd>
        <dt>{trans.__('Arguments')}</dt>
        <dd>
          <pre>{approval.arguments || trans.__('none')}</pre>
        </dd>
      </dl>
      <p className="jp-Peers-muted">
        {trans.__(
          'Without an answer it is a no at %1.',
          new Date(approval.expires * 1000).toLocaleTimeString()
        )}
      </p>
    </div>
  );
}

/**
 * Ask the person about each call of a tool that waits, one after the other.
 *
 * What was answered in another tab, or is too late, goes away by itself. The button that has the
 * focus is the one that denies: a key that was meant for a notebook allows nothing.
 */
export function askForApprovals(model: ApprovalsModel, trans: TranslationBundle): void {
  let shown: { id: number; dialog: Dialog<unknown> } | null = null;

  const show = async (approval: IApproval): Promise<void> => {
    const dialog = new Dialog({
      title: trans.__('Allow this once?'),
      body: ReactWidget.create(<ApprovalText approval={approval} trans={trans} />),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Deny') }),
        Dialog.warnButton({ label: trans.__('Allow once') })
      ],
      defaultButton: 0
    });
    shown = { id: approval.id, dialog };
    try {
      const { button } = await dialog.launch();
      await model.decide(approval.id, button.accept);
    } catch {
      // It was answered elsewhere, or its time is over.
    }
    if (shown?.id === approval.id) {
      shown = null;
    }
    look();
  };

  const look = (): void => {
    const { approvals } = model;
    if (shown && !approvals.some(each => each.id === shown?.id)) {
      const { dialog } = shown;
      shown = null;
      dialog.dispose();
    }
    if (!shown && approvals.length > 0) {
      void show(approvals[0]);
    }
  };

  model.changed.connect(look);
  look();
}
