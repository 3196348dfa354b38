/** Groups: SPEC section 4.4, as a viewer needs it. */

import { type Bytes, fromBase64, Reader } from './bytes';
import { type ISealKey } from './crypto';
import { type IEnvelope } from './envelope';
import { WireError } from './errors';
import { ENVELOPE } from './frames';
import { plain } from './json';

/** Groups of one owner that are kept; a node has as many panes. */
export const MAX_GROUPS = 64;
const MAX_GROUP_FRAME = 256 * 1024;
const PLACE_BYTES = 12;
const KEY_BYTES = 32;
const MAX_EPOCH = 0xffffffff;
const GROUP_ID = /^[0-9a-f]{16}$/;
/** What may come by a group; everything else is for the viewer's own link. */
const CARRIED = new Set(['pane_update']);

/** `group_key`: what opens the frames of one epoch of a group. */
export interface IGroupKey {
  group: string;
  epoch: number;
  key: Bytes;
  /** Whether the viewer is to join the group, and not only to use another key. */
  join: boolean;
}

/** Return the payload of a `group_key`, or null when it is none. */
export function readGroupKey({
  group,
  epoch,
  key,
  join
}: Record<string, unknown>): IGroupKey | null {
  if (typeof group !== 'string' || !GROUP_ID.test(group) || typeof key !== 'string') {
    return null;
  }
  if (!Number.isInteger(epoch) || (epoch as number) < 0 || (epoch as number) > MAX_EPOCH) {
    return null;
  }
  try {
    const raw = fromBase64(key);
    const fields = { group, epoch: epoch as number, key: raw, join: join === true };
    return raw.length === KEY_BYTES ? fields : null;
  } catch {
    return null;
  }
}

/** Opens what comes by a group: each frame at most once, and none older than the last. */
export class GroupOpener<Message extends IEnvelope> {
  /**
   * @param key - Key and place of the epoch.
   * @param sealKey - The same key, ready to open.
   * @param verified - Reads an envelope frame once its signature is verified to be the owner's.
   */
  constructor(
    readonly key: IGroupKey,
    private readonly _sealKey: Promise<ISealKey>,
    private readonly _verified: (frame: Bytes) => Promise<Message[]>
  ) {
    this._sealKey.catch(() => undefined); // whoever opens a frame hears of it
  }

  /** @throws Error, when the frame is refused; it changes nothing then. */
  async open(frame: Bytes): Promise<Message[]> {
    if (frame.length < PLACE_BYTES || frame.length > MAX_GROUP_FRAME) {
      throw new WireError('malformed', 'a frame of a group is cut off or too large');
    }
    const reader = new Reader(frame);
    const [epoch, n] = [reader.u32(), reader.u64()];
    if (epoch !== this.key.epoch || n < this._next) {
      throw new WireError('replayed', 'a frame of a group came twice, too late or too early');
    }
    const place = frame.slice(0, PLACE_BYTES);
    const inner = await (await this._sealKey).open(place, frame.slice(PLACE_BYTES));
    if (inner[0] !== ENVELOPE) {
      throw new WireError('malformed', 'a frame of a group holds one envelope');
    }
    const messages = await this._verified(inner);
    for (const { type, re, data } of messages) {
      // Everybody who has the key can seal: only the owner can sign for this place.
      const named = plain(data.group ?? null) as Record<string, unknown> | null;
      if (named?.id !== this.key.group || named.epoch !== epoch || named.n !== n) {
        throw new WireError('replayed', 'the owner signed this message for another place');
      }
      if (!CARRIED.has(type) || re !== null) {
        throw new WireError('unsupported', `${type} does not come by a group`);
      }
    }
    this._next = n + 1;
    return messages;
  }

  private _next = 0;
}
