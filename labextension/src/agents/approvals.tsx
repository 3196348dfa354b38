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
 * Return what shows a call of a tool that waits, and sends the answer of the person.
 *
 * One dialog is open at a time, and the next follows it. What was answered in another tab, or is too
 * late, is not shown any more. Nothing opens by itself: a dialog would take the keyboard from somebody who types.
 */
export function approvalDialogs(
  model: ApprovalsModel,
  trans: TranslationBundle
): (id: number) => void {
  let shown: { id: number; dialog: ApprovalDialog } | null = null;
  let wanted: number[] = [];

  const show = async (approval: IApproval): Promise<void> => {
    const dialog = new ApprovalDialog(approval, trans);
    shown = { id: approval.id, dialog };
    // Null after the model disposed it.
    const answer = await dialog.answer().catch(() => null);
    if (answer && shown?.dialog === dialog) {
      shown = null;
      await model.decide(approval.id, answer);
    }
    showNext();
  };

  const showNext = (): void => {
    wanted = wanted.filter(id => model.waiting(id));
    const next = shown ? undefined : wanted.shift();
    if (next !== undefined) {
      void show(model.waiting(next)!);
    }
  };

  model.changed.connect(() => {
    if (shown && !model.waiting(shown.id)) {
      const { dialog } = shown;
      shown = null;
      dialog.dispose();
    }
    showNext();
  });

  return id => {
    if (shown?.id !== id && !wanted.includes(id)) {
      wanted.push(id);
      showNext();
    }
  };
}
