/** What was said to models before their views could listen. */

import { WidgetModel } from '@jupyter-widgets/base';
import { ICommMessage } from '../widgethost';
import { fromBase64 } from './comm';

const CUSTOM = 'msg:custom';

type Listener = (content: unknown, buffers: DataView[]) => void;

/**
 * Tells views what their models have heard without them.
 *
 * A model hears a custom message as soon as it is there, and so did the view of who watched. Views of
 * who comes late begin after it. Some libraries listen in their views alone (anywidget's `render`),
 * and a while after the view is made.
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

  /** From now on those that listen to a model are of its views. */
  begin(model: WidgetModel): void {
    if (!this._said.has(model.model_id) || this._begun.has(model)) {
      return;
    }
    this._begun.add(model);
    const listen = model.on as (name: string, listener: Listener, context?: unknown) => unknown;
    model.on = ((name: string, listener: Listener, context?: unknown) => {
      listen.call(model, name, listener, context);
      if (name === CUSTOM) {
        // Once the view has what its listener needs.
        queueMicrotask(() => {
          this._said
            .get(model.model_id)
            ?.forEach(([said, buffers]) =>
              listener.call(context ?? model, said, buffers.map(fromBase64))
            );
        });
      }
      return model;
    }) as typeof model.on;
  }

  private readonly _begun = new WeakSet<WidgetModel>();
  private readonly _said = new Map<string, [unknown, string[]][]>();
}
