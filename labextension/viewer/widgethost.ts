import { IPaneStep } from '../src/shapes';
import { MimeBundle } from './outputs';

/** A model in a widget-state document. */
export interface IModelState {
  model_name: string;
  model_module: string;
  model_module_version: string;
  state: Record<string, unknown>;
  buffers?: { path: (string | number)[]; encoding: 'base64'; data: string }[];
}

/** A comm message of the owner's kernel, or one of ours to it. */
export interface ICommMessage {
  msg_type: 'comm_open' | 'comm_msg' | 'comm_close';
  content: { comm_id: string; data?: unknown };
  buffers?: string[];
  re?: string;
  /** Whether it was said before this page could draw widgets. */
  isPast?: boolean;
}

/** A module that is `coming`, or cannot be had; null for one that is there. */
export type Missing = null | 'coming' | { module: string; why: string };

/** The part that draws widgets: a separate bundle, loaded only for panes with widgets. */
export interface IWidgets {
  /** Take all models as they are now, and keep the views of those that go on. */
  reset(models: Record<string, IModelState>): void;
  take(message: ICommMessage): void;
  /** The missing parts of a model; null if it can be drawn, undefined without a model. */
  missing(modelId: string): Missing | undefined;
  draw(node: HTMLElement, modelId: string): void;
  /** Models that the owner has closed: nothing is drawn in their place. */
  close(modelIds: string[]): void;
  /** An input was taken, or refused: the next may come. */
  answered(id: string, isTaken: boolean): void;
  /** Nothing that is under way will be taken: show what is so at the owner's. */
  takeBack(): void;
}

/** The functions of the page that it needs. */
export interface IWidgetsHost {
  send(message: ICommMessage, id: string): void;
  drawOutput(node: HTMLElement, output: unknown): void;
  typeset(node: HTMLElement): void;
  /** Get the code of a module from the owner of the pane; rejects with why it cannot be had. */
  moduleCode(name: string): Promise<string>;
  /** Widgets that could not be drawn may be drawn now, or never. */
  changed(): void;
}

/** The global by which the bundle gives itself to the page. */
export const WIDGETS_GLOBAL = 'jupyterPeerWidgets';

const VIEW = 'application/vnd.jupyter.widget-view+json';
const COMMS = ['comm_open', 'comm_msg', 'comm_close'];

/** Why a widget is not drawn. */
export type NotDrawn = 'unknown' | 'closed' | 'later' | 'lost' | { module: string; why: string };

/** The widgets in the whole state of a pane. */
interface IWidgetDocument {
  state?: Record<string, IModelState>;
  /** Messages that no state holds, and the revision that each led to. */
  said?: { rev: number; message: ICommMessage }[];
  closed?: string[];
}

/**
 * The widgets of a pane: what was said of them, until there is something that can draw them.
 */
export class WidgetDesk {
  /** @param _need - Asks for the bundle, once. */
  constructor(private readonly _need: () => void) {}

  /** Take what a step says of widgets. */
  take(step: IPaneStep): void {
    if (step.outputs) {
      const { state = {}, said = [], closed = [] } = (step.widgets ?? {}) as IWidgetDocument;
      this._models = state;
      this._closed = new Set(closed);
      // What was heard before is not done again.
      const from = step.epoch === this._epoch ? this._rev : -1;
      this._later = said
        .filter(({ rev }) => rev > from)
        .map(({ message }) => ({ ...message, isPast: true }));
      this._widgets?.close(closed);
      this._widgets?.reset(state);
      this._flush();
      if (Object.keys(state).length > 0) {
        this._ask();
      }
    }
    for (const each of step.messages ?? []) {
      const message = each as ICommMessage;
      if (COMMS.includes(message.msg_type)) {
        this._note(message);
        this._ask();
        if (!this._isLost) {
          this._later.push(this._widgets ? message : { ...message, isPast: true });
        }
      }
    }
    this._flush();
    this._epoch = step.epoch;
    this._rev = step.rev;
  }

  private _note({ msg_type, content }: ICommMessage): void {
    if (msg_type === 'comm_close') {
      this._closed.add(content.comm_id);
    } else {
      this._closed.delete(content.comm_id);
    }
  }

  private _flush(): void {
    if (this._widgets) {
      this._later.splice(0).forEach(message => this._widgets?.take(message));
    }
  }

  /** The bundle is there. */
  begin(widgets: IWidgets): void {
    this._widgets = widgets;
    widgets.close([...this._closed]);
    widgets.reset(this._models);
    this._flush();
  }

  /** The bundle does not come. */
  giveUp(): void {
    this._isLost = true;
    this._later = [];
  }

  /**
   * Draw a widget.
   *
   * @returns True, or why not: the missing module, `closed` by the owner, `unknown`, `lost` as the
   *   bundle is, or `later`.
   */
  draw(node: HTMLElement, bundle: MimeBundle): true | NotDrawn {
    const { model_id } = (bundle[VIEW] ?? {}) as { model_id?: unknown };
    if (this._closed.has(model_id as string)) {
      return 'closed';
    }
    if (!this._widgets) {
      return this._isLost ? 'lost' : 'later';
    }
    const missing = typeof model_id === 'string' ? this._widgets.missing(model_id) : undefined;
    if (missing === undefined) {
      return 'unknown';
    }
    if (missing === 'coming') {
      this._late.add(model_id as string);
      return 'later';
    }
    if (missing !== null) {
      return missing;
    }
    this._late.delete(model_id as string);
    this._widgets.draw(node, model_id as string);
    return true;
  }

  /** Whether an output shows a widget whose code was still to come. */
  isLate(bundle: MimeBundle): boolean {
    const { model_id } = (bundle[VIEW] ?? {}) as { model_id?: string };
    return model_id !== undefined && this._late.has(model_id);
  }

  answered(id: string, isTaken: boolean): void {
    this._widgets?.answered(id, isTaken);
  }

  takeBack(): void {
    this._widgets?.takeBack();
  }

  private _ask(): void {
    if (!this._asked) {
      this._asked = true;
      this._need();
    }
  }

  private _widgets: IWidgets | null = null;
  private _models: Record<string, IModelState> = {};
  private _later: ICommMessage[] = [];
  private _closed = new Set<string>();
  private readonly _late = new Set<string>();
  private _epoch = '';
  private _rev = -1;
  private _asked = false;
  private _isLost = false;
}
