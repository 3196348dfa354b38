import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { IApproval } from '../shapes';
import { ApprovalText } from './approvaltext';
import { Answer, ApprovalsModel } from './model';

/** The decisions of the buttons, in their order. */
const ANSWERS: readonly Answer[] = ['no', 'turn', 'once'];

/** The dialog about one call; the buttons that allow are off until all of it was in sight. */
class ApprovalDialog extends Dialog<unknown> {
  constructor(approval: IApproval, trans: TranslationBundle) {
    const allow = { className: 'jp-Peers-allow' };
    const buttons = [
      Dialog.cancelButton({ label: trans.__('No') }),
      Dialog.createButton({ label: trans.__('Allow for this turn'), accept: false, ...allow }),
      Dialog.warnButton({ label: trans.__('Allow once'), ...allow })
    ];
    const onRead = (): void => this._onRead();
    super({
      title: trans.__('May your agent do this?'),
      body: ReactWidget.create(<ApprovalText approval={approval} trans={trans} onRead={onRead} />),
      buttons,
      // A key that was meant for a notebook allows nothing.
      defaultButton: 0
    });
    this.addClass('jp-Peers-approvalDialog');
    this._choices = buttons;
    this._switch(false);
  }

  /** Return what the person chooses. */
  async answer(): Promise<Answer> {
    const { button } = await this.launch();
    return ANSWERS[this._choices.indexOf(button)] ?? 'no';
  }

  override resolve(index?: number): void {
    // Whatever key or click it was: nothing is allowed before it could be read.
    if (this._isRead || !index) {
      super.resolve(index);
    }
  }

  private _onRead(): void {
    this._isRead = true;
    this._switch(true);
  }

  private _switch(isOn: boolean): void {
    for (const button of this.node.querySelectorAll<HTMLButtonElement>('.jp-Peers-allow')) {
      button.disabled = !isOn;
    }
  }

  private _isRead = false;
  private readonly _choices: readonly Dialog.IButton[];
}

/**
 * Ask the person about each call of a tool that waits, one after the other.
 *
 * What was answered in another tab, or is too late, goes away by itself.
 */
export function askForApprovals(model: ApprovalsModel, trans: TranslationBundle): void {
  let shown: { id: number; dialog: ApprovalDialog } | null = null;

  const show = async (approval: IApproval): Promise<void> => {
    const dialog = new ApprovalDialog(approval, trans);
    shown = { id: approval.id, dialog };
    try {
      await model.decide(approval.id, await dialog.answer());
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
