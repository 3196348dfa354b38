/** Outputs as nbformat has them, folded from messages as `wire/outputs.py` does it. */

import { IPaneStep } from '../src/shapes';

export type MimeBundle = Record<string, unknown>;

/** One output; never changed in place, so that what is the same object is drawn already. */
export interface IOutput {
  readonly output_type: string;
  readonly name?: string;
  readonly text?: string;
  readonly data?: MimeBundle;
  readonly metadata?: Record<string, unknown>;
  readonly ename?: string;
  readonly evalue?: string;
  readonly traceback?: string[];
}

interface IContent extends Omit<IOutput, 'output_type'> {
  wait?: boolean;
  transient?: { display_id?: string };
}

const TEXT_LIMIT = 1024 * 1024;
const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';

/** Whether a whole state repeats an output. A widget's model may have begun anew, so its view does. */
function isSame(output: IOutput, before: IOutput | undefined): before is IOutput {
  const isWidget = WIDGET_VIEW in (output.data ?? {});
  return !!before && !isWidget && JSON.stringify(output) === JSON.stringify(before);
}

export class OutputList {
  items: IOutput[] = [];

  /** Take a step: messages that build on what is here, or the whole state. */
  take(step: IPaneStep): void {
    if (step.outputs) {
      const before = this.items;
      this.items = (step.outputs as IOutput[]).map((output, index) =>
        isSame(output, before[index]) ? before[index] : output
      );
      this._displays = new Map(Object.entries(step.display_ids ?? {}));
      this._clearsNext = step.clear_wait ?? false;
      this._textLimit = step.text_limit ?? TEXT_LIMIT;
    }
    for (const message of step.messages ?? []) {
      const { msg_type, content } = message as { msg_type: string; content: IContent };
      this._apply(msg_type, content);
    }
  }

  private _apply(type: string, content: IContent): void {
    switch (type) {
      case 'clear_output':
        if (content.wait) {
          this._clearsNext = this.items.length > 0;
        } else {
          this._clear();
        }
        break;
      case 'stream':
        this._write(content.name ?? 'stdout', content.text ?? '');
        break;
      case 'display_data':
      case 'execute_result':
      case 'error':
        this._add(type, content);
        break;
      case 'update_display_data':
        this._replace(content.transient?.display_id, content);
        break;
    }
  }

  private _clear(): void {
    this.items = [];
    this._displays = new Map();
    this._clearsNext = false;
  }

  private _write(name: string, text: string): void {
    if (this._clearsNext) {
      this._clear();
    }
    const last = this.items[this.items.length - 1];
    const goesOn = last?.output_type === 'stream' && last.name === name;
    const whole = goesOn ? last.text + text : text;
    const output = { output_type: 'stream', name, text: newest(whole, this._textLimit) };
    this.items = [...(goesOn ? this.items.slice(0, -1) : this.items), output];
  }

  private _add(type: string, content: IContent): void {
    if (this._clearsNext) {
      this._clear();
    }
    const displayId = content.transient?.display_id;
    if (displayId) {
      this._replace(displayId, content);
      const places = this._displays.get(displayId) ?? [];
      this._displays.set(displayId, [...places, this.items.length]);
    }
    const { data, metadata, ename, evalue, traceback } = content;
    const shown = type === 'error' ? { ename, evalue, traceback } : { data, metadata };
    this.items = [...this.items, { output_type: type, ...shown }];
  }

  private _replace(displayId: string | undefined, { data, metadata }: IContent): void {
    const places = new Set(displayId ? this._displays.get(displayId) : []);
    if (places.size > 0) {
      this.items = this.items.map((item, index) =>
        places.has(index) ? { ...item, data, metadata } : item
      );
    }
  }

  private _displays = new Map<string, number[]>();
  private _clearsNext = false;
  private _textLimit = TEXT_LIMIT;
}

/** A string of nbformat, which may be a list of lines. */
export function asText(value: unknown): string {
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}

/** The metadata that an output has for one of its kinds. */
export function metadataOf({ metadata }: IOutput, mime: string): Record<string, unknown> {
  const own = metadata?.[mime];
  return own && typeof own === 'object' ? (own as Record<string, unknown>) : {};
}

/** The end of a text, of as many characters (not UTF-16 units) as the owner keeps. */
function newest(text: string, limit: number): string {
  if (text.length <= limit) {
    return text;
  }
  let start = text.length;
  for (let count = 0; count < limit && start > 0; count++) {
    start -= start > 1 && isPair(text, start - 2) ? 2 : 1;
  }
  return text.slice(start);
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}
