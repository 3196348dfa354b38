/** What carries frames of the peer wire to the owner. */

import { type Bytes, utf8 } from '../wire/bytes';
import { WireError } from '../wire/errors';

export type Frame = string | Bytes;

export interface ICarrierEvents {
  onFrame: (frame: Frame) => void;
  /** A frame of a group that was joined: the group's id in hex, and the frame. */
  onGroupFrame: (group: string, frame: Bytes) => void;
  /** The carrier has ended, with an error code or `lost`; nothing comes after this. */
  onEnd: (reason: string) => void;
}

export interface ICarrier {
  /** Resolves when frames can be sent. */
  open(): Promise<void>;
  send(frame: Frame): void;
  /** Join a group of the owner by its id in hex; false where there are none. */
  join(group: string): boolean;
  close(): void;
}

/**
 * Return why a connection ended, as it was told from outside of the seal: by a relay, or by whoever
 * closed the socket. None of it may end the link for good: only the owner says so, sealed.
 */
export const hearsay = (code: unknown, otherwise: string): string =>
  code === 'busy' || code === 'replaced' ? code : otherwise;

/** Open a WebSocket whose binary messages come as bytes. */
export function openSocket(
  url: string,
  onMessage: (frame: Frame) => void,
  onEnd: (reason: string) => void
): { socket: WebSocket; opened: Promise<void> } {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }) =>
    onMessage(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
  const opened = new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onclose = ({ reason }) => {
      reject(new WireError('unreachable', 'the owner cannot be reached'));
      onEnd(hearsay(reason, 'lost'));
    };
  });
  return { socket, opened };
}

/** The owner's own port: each frame is one message of the WebSocket. */
export class PortCarrier implements ICarrier {
  constructor(
    private readonly _url: string,
    private readonly _events: ICarrierEvents
  ) {}

  async open(): Promise<void> {
    const { onFrame, onEnd } = this._events;
    const { socket, opened } = openSocket(this._url, onFrame, onEnd);
    this._socket = socket;
    await opened;
  }

  send(frame: Frame): void {
    this._socket?.send(frame);
  }

  join(): boolean {
    return false;
  }

  close(): void {
    this._socket?.close();
  }

  private _socket: WebSocket | null = null;
}

/** Bytes that a frame has on its way. */
export const sizeOf = (frame: Frame): number =>
  typeof frame === 'string' ? utf8(frame).length : frame.length;
