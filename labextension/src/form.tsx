import { checkIcon, closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { usePanel } from './context';
import { IconButton } from './section';
import { IProgress } from './shapes';
import { progressWords } from './wording';

/** The paths that were tried, and how each went. */
export function Steps(props: { steps: IProgress[]; busy: boolean }): React.ReactElement | null {
  const { steps, busy } = props;
  const { trans } = usePanel();
  if (steps.length === 0) {
    return null;
  }
  return (
    <ol className="jp-Peers-steps" aria-live="polite" aria-label={trans.__('Paths tried')}>
      {steps.map((step, index) => {
        // A step still under way when the whole has failed has failed with it.
        const ok = step.ok === null && !busy ? false : step.ok;
        const Mark = ok ? checkIcon : closeIcon;
        return (
          <li key={index} data-ok={String(ok)}>
            {ok === null ? (
              <span className="jp-Peers-spinner" aria-hidden="true" />
            ) : (
              <Mark.react tag="span" aria-hidden="true" />
            )}
            <span>
              {progressWords(step, trans)}
              {ok === false && <span className="jp-sr-only"> ({trans.__('failed')})</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** Add a step, or bring the one that is under way on the same path to its end. */
export function withStep(steps: IProgress[], next: IProgress): IProgress[] {
  const index = steps.findIndex(each => each.ok === null && each.address === next.address);
  return index < 0 ? [...steps, next] : steps.map((each, at) => (at === index ? next : each));
}

/** A form that opens in the panel, with a title and a cross. */
export function Form(props: {
  title: string;
  onClose: () => void;
  children: React.ReactNode;
}): React.ReactElement {
  const { trans } = usePanel();
  const titleId = React.useId();
  const root = React.useRef<HTMLElement>(null);
  React.useEffect(() => {
    root.current?.querySelector<HTMLElement>('[data-autofocus]')?.focus();
  }, []);
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      props.onClose();
    }
  };
  return (
    // The key listener only adds a short cut to the close button's click.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <section ref={root} className="jp-Peers-form" aria-labelledby={titleId} onKeyDown={onKeyDown}>
      <div className="jp-Peers-formTitle">
        <h3 id={titleId}>{props.title}</h3>
        <IconButton icon={closeIcon} label={trans.__('Close')} onClick={props.onClose} />
      </div>
      {props.children}
    </section>
  );
}
