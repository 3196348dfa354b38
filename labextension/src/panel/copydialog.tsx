import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction } from '../context';
import { Failure } from '../section';

const COPY = 1;

/** Content of a dialog with a text to copy. */
export interface ICopyable extends ReactWidget {
  copy(): void;
}

/** A dialog with a text to copy. Its button that copies leaves it open. */
export class CopyDialog<T extends ICopyable> extends Dialog<unknown> {
  constructor(
    title: string,
    copyLabel: string,
    protected readonly shown: T,
    trans: TranslationBundle
  ) {
    super({
      title,
      body: shown,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Done') }),
        Dialog.okButton({ label: copyLabel })
      ],
      defaultButton: COPY
    });
    this.addClass('jp-Peers-dialog');
  }

  override resolve(index = COPY): void {
    if (index === COPY) {
      this.shown.copy();
    } else {
      super.resolve(index);
    }
  }
}

/** A warning that no other computer can reach this node, and the switch that changes it. */
export function NotReachable(props: {
  words: string;
  trans: TranslationBundle;
  open: () => Promise<void>;
}): React.ReactElement {
  const { words, trans, open } = props;
  const { busy, error, run } = useAction();
  return (
    <div className="jp-Peers-notice" role="status">
      <span>{words}</span>
      <Button
        type="button"
        className="jp-mod-styled jp-mod-reject"
        aria-disabled={busy}
        onClick={() => run(open)}
      >
        {trans.__('Open to this network')}
      </Button>
      <Failure error={error} trans={trans} />
    </div>
  );
}
