import { checkIcon, closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, usePanel } from './context';
import { Failure, IconButton } from './section';

/** A name, edited in place: Enter saves, Escape leaves it as it was. */
export function RenameForm(props: {
  label: string;
  value: string;
  /** An empty name is allowed and means "none". */
  optional?: boolean;
  placeholder?: string;
  save: (name: string) => Promise<void>;
  onClose: () => void;
}): React.ReactElement {
  const { trans } = usePanel();
  const { busy, error, run } = useAction();
  const [name, setName] = React.useState(props.value);
  const input = React.useRef<HTMLInputElement>(null);
  React.useEffect(() => input.current?.select(), []);

  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    const wanted = name.trim();
    if (wanted === props.value) {
      props.onClose();
    } else if (wanted || props.optional) {
      run(async () => {
        await props.save(wanted);
        props.onClose();
      });
    }
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      props.onClose();
    }
  };

  return (
    <form className="jp-Peers-rename" onSubmit={submit}>
      <div className="jp-Peers-renameLine">
        <input
          ref={input}
          className="jp-Peers-input"
          aria-label={props.label}
          placeholder={props.placeholder}
          value={name}
          maxLength={64}
          spellCheck={false}
          readOnly={busy}
          onChange={event => setName(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <IconButton icon={checkIcon} label={trans.__('Save')} type="submit" disabled={busy} />
        <IconButton icon={closeIcon} label={trans.__('Cancel')} onClick={props.onClose} />
      </div>
      <Failure error={error} />
    </form>
  );
}
