import { ICallbacks, IClassicComm } from '@jupyter-widgets/base';
import { ICommMessage } from '../widgethost';

type Send = (message: ICommMessage, id: string, callbacks: ICallbacks | undefined) => void;
type Listener = (message: unknown) => void;

/** What a model takes for its line to a kernel; what it says goes to the page around. */
export class PaneComm implements IClassicComm {
  readonly target_name = 'jupyter.widget';

  constructor(
    readonly comm_id: string,
    private readonly _send: Send
  ) {}

  open(): string {
    return '';
  }

  send(
    data: unknown,
    callbacks?: ICallbacks,
    _metadata?: unknown,
    buffers?: ArrayBuffer[] | ArrayBufferView[]
  ): string {
    const id = `i${++PaneComm._count}`;
    const message: ICommMessage = {
      msg_type: 'comm_msg',
      content: { comm_id: this.comm_id, data }
    };
    if (buffers?.length) {
      message.buffers = [...buffers].map(toBase64);
    }
    this._send(message, id, callbacks);
    return id;
  }

  /** Only the owner's kernel ends a model. */
  close(): string {
    return '';
  }

  on_msg(listener: Listener): void {
    this._onMessage = listener;
  }

  on_close(listener: Listener): void {
    this._onClose = listener;
  }

  /** The owner's kernel said something. */
  hear({ content, buffers, re }: ICommMessage): void {
    this._onMessage?.({
      content,
      buffers: (buffers ?? []).map(fromBase64),
      parent_header: { msg_id: re ?? '' }
    });
  }

  end(): void {
    this._onClose?.({});
  }

  private static _count = 0;
  private _onMessage: Listener | null = null;
  private _onClose: Listener | null = null;
}

export function fromBase64(text: string): DataView {
  return new DataView(Uint8Array.from(atob(text), char => char.charCodeAt(0)).buffer);
}

function toBase64(buffer: ArrayBuffer | ArrayBufferView): string {
  const bytes = ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}
