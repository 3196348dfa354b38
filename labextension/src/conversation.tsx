import { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, ToolbarButton } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, usePeersState, useView } from './context';
import { addDocument, showDocument } from './documents';
import { peersIcon } from './icon';
import { Failure, Section } from './section';
import { IPeersPanel } from './tokens';

/** Where a conversation opens, and what it is there. */
export interface IConversationPlace {
  shell: JupyterFrontEnd.IShell;
  panel: IPeersPanel | null;
  trans: TranslationBundle;
  /** Of the section in the panel. */
  rank: number;
  /** Of the tab, where there is no panel. */
  id: string;
  type: string;
  close: () => void;
}

/**
 * Open a section that a person can close: in the panel, or as a tab where there is none.
 *
 * @returns How to show it and take the keyboard to its field.
 */
export function openConversation(section: Section, place: IConversationPlace): () => void {
  const { shell, panel, trans, rank, id, type, close } = place;
  section.addClass('jp-Peers-chatSection');
  section.toolbar.addItem(
    'close',
    new ToolbarButton({ icon: closeIcon, tooltip: trans.__('Close'), onClick: close })
  );
  let show: () => void;
  if (panel) {
    panel.addSection(section, rank);
    show = () => panel.reveal(section);
  } else {
    const tab = new MainAreaWidget({ content: section });
    tab.title.label = section.title.label;
    tab.title.icon = peersIcon;
    tab.title.closable = true;
    tab.id = id;
    addDocument(shell, tab, type);
    show = () => showDocument(shell, tab);
  }
  return () => {
    show();
    section.node.querySelector('textarea')?.focus();
  };
}

/** The box of the lines, which follows its end while `end` changes. */
export function Log(props: {
  name: string;
  end: unknown;
  children: React.ReactNode;
}): React.ReactElement {
  const box = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    box.current?.scrollTo?.({ top: box.current.scrollHeight });
  }, [props.end]);
  return (
    // A box that scrolls is reached by the keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={box} className="jp-Peers-log" role="log" aria-label={props.name} tabIndex={0}>
      {props.children}
    </div>
  );
}

/** One line: who and when above, and what was said as text, or what `children` draw of it. */
export function Line(props: {
  mine: boolean;
  head: string;
  text?: string;
  children?: React.ReactNode;
}): React.ReactElement {
  return (
    <div className="jp-Peers-line" data-mine={props.mine}>
      <span className="jp-Peers-muted">{props.head}</span>
      {props.text !== undefined && <LineText text={props.text} />}
      {props.children}
    </div>
  );
}

/** A text as it is: React escapes it. */
export function LineText(props: { text: string }): React.ReactElement {
  return <span className="jp-Peers-lineText">{props.text}</span>;
}

/**
 * The field below the lines; Enter sends, and Shift with Enter makes a new line.
 *
 * @param reasonAgainst - Returns why a text cannot be sent, or nothing.
 * @param send - What is sent is out of the field at once, and back in it when this fails.
 * @param stop - Ends what is under way, where that can be ended.
 */
export function Compose(props: {
  label: string;
  action: string;
  reasonAgainst: (text: string) => string;
  send: (text: string) => Promise<unknown>;
  stop?: { label: string; run: () => void };
}): React.ReactElement {
  const { label, action, reasonAgainst, send, stop } = props;
  const { trans } = useView();
  const { live } = usePeersState();
  const { busy, error, run } = useAction();
  const [text, setText] = React.useState('');
  const field = React.useRef<HTMLTextAreaElement>(null);
  React.useEffect(() => field.current?.focus(), []);
  const reason = reasonAgainst(text);
  // A reason against every text is not the fault of this one.
  const isInvalid = reason !== reasonAgainst('');
  const isReady = !busy && live && text.trim() !== '' && reason === '';
  const submit = () => {
    if (isReady) {
      setText('');
      run(() =>
        send(text).catch(failure => {
          setText(now => now || text);
          throw failure;
        })
      );
    }
  };
  return (
    <>
      <form
        className="jp-Peers-say"
        onSubmit={event => {
          event.preventDefault();
          submit();
        }}
      >
        <textarea
          ref={field}
          className="jp-Peers-textArea"
          rows={2}
          aria-label={label}
          placeholder={label}
          aria-invalid={isInvalid}
          value={text}
          onChange={event => setText(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault();
              submit();
            }
          }}
        />
        {busy && stop ? (
          <button type="button" className="jp-mod-styled jp-mod-reject" onClick={stop.run}>
            {stop.label}
          </button>
        ) : (
          // The primary button is the one of what is typed: several conversations may be open.
          <button
            type="submit"
            className={`jp-mod-styled ${isReady ? 'jp-mod-accept' : ''}`}
            disabled={!isReady}
          >
            {action}
          </button>
        )}
      </form>
      {reason && (
        <p className="jp-Peers-muted" role="status">
          {reason}
        </p>
      )}
      <Failure error={error} trans={trans} />
    </>
  );
}
