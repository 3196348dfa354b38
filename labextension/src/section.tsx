import { Clipboard, ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import {
  Button,
  caretDownIcon,
  caretRightIcon,
  checkIcon,
  copyIcon,
  LabIcon,
  PanelWithToolbar
} from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import * as React from 'react';
import { IView, useView, ViewContext } from './context';
import { PeerError } from './requests';
import { failureWords } from './wording';

/** A React view in a Lumino widget; it is drawn again when it is shown or hidden. */
export class View extends ReactWidget {
  /**
   * @param draw - Returns what is shown; its argument says whether somebody can see it.
   */
  constructor(
    private readonly _view: IView,
    private readonly _draw: (visible: boolean) => React.ReactElement
  ) {
    super();
  }

  override render(): React.ReactElement {
    return (
      <ViewContext.Provider value={this._view}>{this._draw(this.isVisible)}</ViewContext.Provider>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }
}

/** A section of the peers panel: a title with buttons, and a view that scrolls. */
export class Section extends PanelWithToolbar {
  constructor(title: string, view: IView, draw: (visible: boolean) => React.ReactElement) {
    super();
    this._title = title;
    this.addClass('jp-Peers-section');
    this.title.label = title;
    this._view = new View(view, draw);
    this.addWidget(this._view);
  }

  /** Draw the view again, after something changed that it does not follow by itself. */
  redraw(): void {
    this._view.update();
  }

  /** The number of entries, shown in the title so that a folded section tells it too. */
  set count(count: number) {
    this.title.label = count > 0 ? `${this._title} (${count})` : this._title;
  }

  private readonly _title: string;
  private readonly _view: View;
}

/** A failure: what failed, and what to do next. */
export function Failure(props: {
  error: PeerError | null;
  trans: TranslationBundle;
}): React.ReactElement | null {
  if (!props.error) {
    return null;
  }
  const { message, hint } = failureWords(props.error, props.trans);
  return (
    <div className="jp-Peers-failure" role="alert">
      <span>{message}</span>
      {hint && <span className="jp-Peers-muted">{hint}</span>}
    </div>
  );
}

/** The button of a row that unfolds what is below it: a caret, a dot for the status, and a name. */
export function RowToggle(props: {
  open: boolean;
  onToggle: () => void;
  /** The id of what it unfolds. */
  controls: string;
  name: string;
  /** All that stands behind the name, for a row that is too narrow for it. */
  summary: string;
  /** Whether the row has a status. */
  hasDot?: boolean;
  children?: React.ReactNode;
}): React.ReactElement {
  const { open, onToggle, controls, name, summary, hasDot = true, children } = props;
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <button
      type="button"
      className="jp-Peers-rowButton"
      aria-expanded={open}
      aria-controls={controls}
      onClick={onToggle}
    >
      <Caret.react tag="span" className="jp-Peers-mark" aria-hidden="true" />
      {hasDot && <span className="jp-Peers-dot" aria-hidden="true" />}
      <span className="jp-Peers-name" title={name}>
        {name}
      </span>
      <span className="jp-Peers-muted" title={summary}>
        {children}
      </span>
    </button>
  );
}

/** A button that is only an icon; the label is its name for everybody. */
export function IconButton(
  props: { icon: LabIcon; label: string } & React.ButtonHTMLAttributes<HTMLButtonElement>
): React.ReactElement {
  const { icon, label, ...others } = props;
  return (
    <Button
      type="button"
      className="jp-Peers-icon"
      minimal
      small
      aria-label={label}
      title={label}
      {...others}
    >
      <icon.react tag="span" aria-hidden="true" elementSize="normal" />
    </Button>
  );
}

const COPIED_MS = 2000;

/** Copies a text and says so. */
export function CopyButton(props: { text: string; label: string }): React.ReactElement {
  const { trans } = useView();
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = window.setTimeout(() => setCopied(false), COPIED_MS);
    return () => window.clearTimeout(timer);
  }, [copied]);
  const onClick = () => {
    Clipboard.copyToSystem(props.text);
    setCopied(true);
  };
  return (
    <>
      <IconButton icon={copied ? checkIcon : copyIcon} label={props.label} onClick={onClick} />
      <span className="jp-sr-only" role="status">
        {copied ? trans.__('Copied to the clipboard') : ''}
      </span>
    </>
  );
}
