import {
  caretDownIcon,
  caretRightIcon,
  checkIcon,
  copyIcon,
  LabIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';
import { usePanel } from './context';
import { PeerError } from './requests';

/** A part of the panel that folds away, with the number of its entries. */
export function Section(props: {
  title: string;
  count: number;
  children: React.ReactNode;
}): React.ReactElement {
  const [open, setOpen] = React.useState(true);
  const id = React.useId();
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <section className="jp-Peers-section" aria-labelledby={`${id}-title`}>
      <h3 className="jp-Peers-sectionTitle" id={`${id}-title`}>
        <button
          type="button"
          aria-expanded={open}
          aria-controls={`${id}-body`}
          onClick={() => setOpen(!open)}
        >
          <Caret.react tag="span" className="jp-Peers-caret" aria-hidden="true" />
          <span>{props.title}</span>
          <span className="jp-Peers-count">{props.count}</span>
        </button>
      </h3>
      <div id={`${id}-body`} hidden={!open}>
        {props.children}
      </div>
    </section>
  );
}

/** A failure: what failed, and what to do next. */
export function Failure({ error }: { error: PeerError | null }): React.ReactElement | null {
  if (!error) {
    return null;
  }
  return (
    <div className="jp-Peers-failure" role="alert">
      <span>{sentence(error.message)}</span>
      {error.hint && <span className="jp-Peers-hint">{sentence(error.hint)}</span>}
    </div>
  );
}

function sentence(text: string): string {
  // The name of an option and an address stay as they are written.
  const start = /^\S*[_:/]/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}

/** A button that is only an icon; the label is its name for everyone. */
export function IconButton(
  props: { icon: LabIcon; label: string } & React.ButtonHTMLAttributes<HTMLButtonElement>
): React.ReactElement {
  const { icon, label, className, ...others } = props;
  return (
    <button
      type="button"
      className={`jp-Peers-iconButton ${className ?? ''}`}
      aria-label={label}
      title={label}
      {...others}
    >
      <icon.react tag="span" aria-hidden="true" />
    </button>
  );
}

const COPIED_MS = 2000;

/** Copies a text and says so; with `wide` it is a button with words. */
export function CopyButton(props: {
  text: string;
  label: string;
  wide?: boolean;
}): React.ReactElement {
  const { copy, trans } = usePanel();
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = window.setTimeout(() => setCopied(false), COPIED_MS);
    return () => window.clearTimeout(timer);
  }, [copied]);
  const onClick = () => {
    copy(props.text);
    setCopied(true);
  };
  const icon = copied ? checkIcon : copyIcon;
  return (
    <>
      {props.wide ? (
        <button type="button" className="jp-Peers-button jp-mod-primary" onClick={onClick}>
          <icon.react tag="span" aria-hidden="true" />
          {copied ? trans.__('Copied') : props.label}
        </button>
      ) : (
        <IconButton icon={icon} label={props.label} onClick={onClick} />
      )}
      <span className="jp-sr-only" role="status">
        {copied ? trans.__('Copied to the clipboard') : ''}
      </span>
    </>
  );
}
