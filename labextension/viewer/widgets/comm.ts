import { ICallbacks, IClassicComm } from '@jupyter-widgets/base';
import { bytesOf } from '../base64';
import { ICommMessage, IModelState } from '../widgethost';
import { OwnersState } from './ownersstate';

type Send = (message: ICommMessage, id: string, callbacks: ICallbacks | undefined) => void;
type Listener = (message: unknown) => unknown;

/** Models whose value the owner tells no viewer; an echo says only that it came. */
const WITHHELD = ['PasswordModel', 'FileUploadModel'];

/** Of this page: an echo goes to all viewers of a pane, and must be no other's of the same number. */
const PAGE = [...crypto.getRandomValues(new Uint32Array(2))].map(n => n.toString(36)).join('');

/** The comm of a model: its messages go to the surrounding page instead of a kernel. */
export class PaneComm implements IClassicComm {
  readonly target_name = 'jupyter.widget';

  constructor(
    readonly comm_id: string,
    model: Pick<IModelState, 'state' | 'buffers'> & { model_name?: string },
    private readonly _send: Send
  ) {
    this._owners = new OwnersState(comm_id, model);
    this._isWithheld = WITHHELD.includes(model.model_name ?? '');
  }

  open(): string {
    return '';
  }

  send(
    data: unknown,
    callbacks?: ICallbacks,
    _metadata?: unknown,
    buffers?: ArrayBuffer[] | ArrayBufferView[]
  ): string {
    const id = `${PAGE}-${++PaneComm._count}`;
    const message: ICommMessage = {
      msg_type: 'comm_msg',
      content: { comm_id: this.comm_id, data }
    };
    if (buffers?.length) {
      message.buffers = [...buffers].map(toBase64);
    }
    this._owners.expect(message, id);
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

  /** The owner's kernel said something; settles when the model has done with it. */
  async hear(message: ICommMessage): Promise<void> {
    this._owners.learn(message);
    await this._tell(this._isWithheld ? withoutEchoOfValue(message) : message);
  }

  /** An input comes to nothing, or all that are under way: show what is so at the owner's. */
  takeBack(id?: string): void {
    this._owners.takeBack(id).forEach(message => void this._tell(message));
  }

  end(): void {
    this._onMessage = null;
    this._onClose?.({});
  }

  private _tell({ content, buffers, re }: ICommMessage): unknown {
    return this._onMessage?.({
      content,
      buffers: (buffers ?? []).map(fromBase64),
      parent_header: { msg_id: re ?? '' }
    });
  }

  private static _count = 0;
  private readonly _owners: OwnersState;
  private readonly _isWithheld: boolean;
  private _onMessage: Listener | null = null;
  private _onClose: Listener | null = null;
}

/** The comm of each model that has none: what it has to say nobody hears. */
export const NOWHERE: IClassicComm = {
  comm_id: '',
  target_name: 'jupyter.widget',
  open: () => '',
  send: () => '',
  close: () => '',
  on_msg: () => undefined,
  on_close: () => undefined
};

/** The page goes on to show what a person has typed or uploaded in it. */
function withoutEchoOfValue(message: ICommMessage): ICommMessage {
  const data = message.content.data as { method?: string; state?: Record<string, unknown> };
  if (data.method !== 'echo_update' || !message.re?.startsWith(PAGE)) {
    return message;
  }
  const state = { ...data.state };
  delete state.value;
  return { ...message, content: { ...message.content, data: { ...data, state } } };
}

export function fromBase64(text: string): DataView {
  return new DataView(bytesOf(text).buffer);
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
