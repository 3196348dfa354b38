/** What was said to models before their views could listen. */

import { WidgetModel } from '@jupyter-widgets/base';
import { ICommMessage } from '../widgethost';
import { fromBase64 } from './comm';

const CUSTOM = 'msg:custom';
/** How long a model waits for its view before it hears what was said before; some are shown nowhere. */
const VIEW_WAIT_MS = 2000;

type Listener = (content: unknown, buffers: DataView[]) => void;

/**
 * Tells views what their models have heard without them.
 *
 * The view of who watched was there when a message came. So a model of who comes late hears the past
 * only once it has a view. Some libraries listen in their views alone (anywidget's `render`), and a
 * while after the view is made: these are told again.
 */
export class Latecomers {
  /** Remember what a model has heard before it had a view; what it hears live ends that. */
  heard({ content, buffers = [], isPast }: ICommMessage): void {
    const { method, content: said } = (content.data ?? {}) as {
      method?: string;
      content?: unknown;
    };
    if (method !== 'custom') {
      return;
    }
    if (isPast) {
      const before = this._said.get(content.comm_id) ?? [];
      this._said.set(content.comm_id, [...before, [said, buffers]]);
    } else {
      this._said.delete(content.comm_id);
    }
  }

  /** Settles when a model that can have a view may hear its past. */
  ready(modelId: string): Promise<void> {
    return this._view(modelId).promise;
  }

  /** A view of a model is made. */
  viewed({ model_id }: WidgetModel): void {
    this._view(model_id).resolve();
  }

  /** From now on those that listen to a model are of its views. */
  begin(model: WidgetModel): void {
    if (this._begun.has(model)) {
      return;
    }
    this._begun.add(model);
    const listen = model.on as (name: string, listener: Listener, context?: unknown) => unknown;
    model.on = ((name: string, listener: Listener, context?: unknown) => {
      listen.call(model, name, listener, context);
      if (name === CUSTOM) {
        const heard = this._said.get(model.model_id) ?? [];
        // Once the view has what its listener needs.
        queueMicrotask(() =>
          heard.forEach(([said, buffers]) =>
            listener.call(context ?? model, said, buffers.map(fromBase64))
          )
        );
      }
      return model;
    }) as typeof model.on;
  }

  private _view(modelId: string): { promise: Promise<void>; resolve: () => void } {
    let view = this._views.get(modelId);
    if (!view) {
      let resolve = () => {};
      view = { promise: new Promise(settle => (resolve = settle)), resolve: () => resolve() };
      setTimeout(view.resolve, VIEW_WAIT_MS);
      this._views.set(modelId, view);
    }
    return view;
  }

  private readonly _views = new Map<string, { promise: Promise<void>; resolve: () => void }>();
  private readonly _begun = new WeakSet<WidgetModel>();
  private readonly _said = new Map<string, [unknown, string[]][]>();
}
