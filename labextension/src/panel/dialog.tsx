import { Dialog, ReactWidget, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { caretDownEmptyIcon, checkIcon, closeIcon } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import * as React from 'react';
import { PeerError } from '../requests';
import { Failure } from '../section';
import { IProgress } from '../shapes';
import { failureLine, progressWords } from '../wording';

/** The fields of a form by their names; a check box that is not checked is not there. */
export type Values = Readonly<Record<string, string>>;

interface IFormOptions<T> {
  trans: TranslationBundle;
  title: string;
  /** Label of the button that starts the task. */
  action: string;
  /**
   * Inputs with a `name`; what is `required` or has a `pattern` is checked before the task. A
   * function is told why the task has just failed.
   */
  fields: React.ReactNode | ((error: PeerError | null) => React.ReactNode);
  task: (values: Values, onStep: (step: IProgress) => void) => Promise<T>;
}

/**
 * Ask in a dialog for what an operation needs, and run it.
 *
 * The dialog stays open until the operation has succeeded: a failure is shown below the fields,
 * which keep what was typed.
 *
 * @returns What the task returned, or null when the person cancelled.
 */
export async function runForm<T>(options: IFormOptions<T>): Promise<T | null> {
  const dialog = new FormDialog(options);
  const { button } = await dialog.launch();
  return button.accept ? dialog.result : null;
}

const ACCEPT = 1;
const FIELDS = 'input, textarea, select';

class FormDialog<T> extends Dialog<unknown> {
  constructor(options: IFormOptions<T>) {
    const body = new FormBody(options);
    super({
      title: options.title,
      body,
      buttons: [
        Dialog.cancelButton({ label: options.trans.__('Cancel') }),
        Dialog.okButton({ label: options.action })
      ],
      defaultButton: ACCEPT,
      focusNodeSelector: FIELDS
    });
    this.addClass('jp-Peers-dialog');
    this._form = body;
    this._options = options;
  }

  result: T | null = null;

  /** Called for each button and for Enter; the accepting one starts the task first. */
  override resolve(index = ACCEPT): void {
    if (index !== ACCEPT) {
      super.resolve(index);
    } else if (!this._form.busy && this._form.check()) {
      void this._run();
    }
  }

  override handleEvent(event: Event): void {
    if (event.type === 'focus' && !this.node.contains(event.target as Node)) {
      // JupyterLab would focus the accepting button, and what is typed would go there.
      event.stopPropagation();
      this._keepFocus();
      return;
    }
    // JupyterLab leaves Enter in a text area without effect.
    const isEnter = event instanceof KeyboardEvent && event.type === 'keydown';
    if (isEnter && event.key === 'Enter' && event.target instanceof HTMLTextAreaElement) {
      event.preventDefault();
      event.stopPropagation();
      this.resolve();
    } else {
      super.handleEvent(event);
    }
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.node.addEventListener('focusin', this._onFocusIn);
  }

  protected override onBeforeDetach(message: Message): void {
    this.node.removeEventListener('focusin', this._onFocusIn);
    super.onBeforeDetach(message);
  }

  protected override onAfterDetach(message: Message): void {
    super.onAfterDetach(message);
    // Not to the palette, which has closed, but to what it gave the focus back to.
    this._outside?.focus();
  }

  private readonly _onFocusIn = (event: FocusEvent): void => {
    this._focused = event.target as HTMLElement;
  };

  /**
   * The command palette gives the focus back to the notebook after its command has opened the dialog.
   * What is typed then would be commands.
   */
  private readonly _keepFocus = (): void => {
    const outside = document.activeElement;
    if (!this.node.contains(outside)) {
      if (outside instanceof HTMLElement && outside !== document.body) {
        this._outside = outside;
      }
      const field = this.node.querySelector<HTMLElement>(FIELDS);
      (this._focused?.isConnected ? this._focused : field)?.focus();
    }
  };

  private async _run(): Promise<void> {
    const form = this._form;
    form.set({ busy: true, error: null, steps: [] });
    try {
      this.result = await this._options.task(form.values, step =>
        form.set({ steps: withStep(form.state.steps, step) })
      );
    } catch (reason) {
      form.set({ busy: false, error: PeerError.from(reason) });
      return;
    }
    form.set({ busy: false });
    super.resolve(ACCEPT);
  }

  private _focused: HTMLElement | null = null;
  private _outside: HTMLElement | null = null;
  private readonly _form: FormBody;
  private readonly _options: IFormOptions<T>;
}

interface IFormState {
  busy: boolean;
  error: PeerError | null;
  steps: IProgress[];
}

class FormBody extends ReactWidget {
  constructor(private readonly _options: Pick<IFormOptions<unknown>, 'fields' | 'trans'>) {
    super();
    this.addClass('jp-Peers-form');
  }

  state: IFormState = { busy: false, error: null, steps: [] };

  get busy(): boolean {
    return this.state.busy;
  }

  get values(): Values {
    const values: Record<string, string> = {};
    new FormData(this._element ?? undefined).forEach((value, name) => {
      values[name] = String(value).trim();
    });
    return values;
  }

  /** Whether the fields are as they have to be; the first that is not gets the focus. */
  check(): boolean {
    return this._element?.reportValidity() ?? false;
  }

  set(change: Partial<IFormState>): void {
    this.state = { ...this.state, ...change };
    this.update();
  }

  override render(): React.ReactElement {
    const { fields, trans } = this._options;
    const { busy, error, steps } = this.state;
    return (
      <>
        <form ref={this._onForm} onSubmit={event => event.preventDefault()}>
          {typeof fields === 'function' ? fields(error) : fields}
        </form>
        <Steps steps={steps} busy={busy} trans={trans} />
        {busy && steps.length === 0 && <p role="status">{trans.__('Please wait…')}</p>}
        <Failure error={error} trans={trans} />
      </>
    );
  }

  private readonly _onForm = (element: HTMLFormElement | null): void => {
    this._element = element;
    // The dialog has chosen the focus already where it was quicker than React.
    element?.querySelector<HTMLElement>(FIELDS)?.focus();
  };

  private _element: HTMLFormElement | null = null;
}

/** A text with its label. */
export function TextField(
  props: { label: string } & React.InputHTMLAttributes<HTMLInputElement>
): React.ReactElement {
  const { label, ...others } = props;
  return (
    <label className="jp-Peers-field">
      <span>{label}</span>
      <input className="jp-mod-styled" type="text" spellCheck={false} {...others} />
    </label>
  );
}

/** A choice with its label; `choices` are pairs of value and words. */
export function ChoiceField(
  props: {
    label: string;
    choices: [string, string][];
  } & React.SelectHTMLAttributes<HTMLSelectElement>
): React.ReactElement {
  const { choices, label, ...others } = props;
  return (
    <label className="jp-Peers-field">
      <span>{label}</span>
      <span className="jp-select-wrapper">
        <select className="jp-mod-styled" {...others}>
          {choices.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
        <caretDownEmptyIcon.react tag="span" stylesheet="select" right="7px" top="6px" />
      </span>
    </label>
  );
}

/** The paths that were tried, and the outcome of each. */
export function Steps(props: {
  steps: IProgress[];
  busy: boolean;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { steps, busy, trans } = props;
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
          <li key={index}>
            <span className="jp-Peers-mark" data-mark={ok ? 'ok' : 'failed'} aria-hidden="true">
              {ok !== null && <Mark.react tag="span" />}
            </span>
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

/** Ask before something that cannot be undone; the focus is on the button that does nothing. */
export async function confirmLoss(
  trans: TranslationBundle,
  title: string,
  body: string,
  action: string
): Promise<boolean> {
  const { button } = await showDialog({
    title,
    body,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: action })
    ],
    defaultButton: 0
  });
  return button.accept;
}

/** Run an operation that a command starts; its failure is shown until the person closes it. */
export async function orShowFailure(
  title: string,
  trans: TranslationBundle,
  work: () => Promise<unknown>
): Promise<void> {
  try {
    await work();
  } catch (reason) {
    await showErrorMessage(title, failureLine(PeerError.from(reason), trans));
  }
}
