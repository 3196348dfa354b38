/** What this tab keeps until it is closed: its key, the guest's own name, the place in the pane. */

import { type Bytes, fromHex, toHex } from '../wire/bytes';

const SEED_BYTES = 32;

/** Keeps in the tab's session storage where the browser lets it, else in memory. */
export class Tab {
  constructor(private readonly _linkId: string) {}

  /** The seed of the key of this tab; a reload has the same. */
  get seed(): Bytes {
    const kept = this._get('seed');
    if (kept && /^[0-9a-f]{64}$/.test(kept)) {
      return fromHex(kept);
    }
    return this.renew();
  }

  /** Draw another key: a duplicate of this tab has taken over with this one. */
  renew(): Bytes {
    const seed = crypto.getRandomValues(new Uint8Array(SEED_BYTES));
    this._set('seed', toHex(seed));
    return seed;
  }

  get name(): string {
    return this._get('name') ?? '';
  }

  set name(name: string) {
    this._set('name', name);
  }

  /** Pixels that the page was scrolled by. */
  get scrolled(): number {
    return Number(this._get('scrolled')) || 0;
  }

  set scrolled(px: number) {
    this._set('scrolled', String(Math.round(px)));
  }

  private _get(what: string): string | null {
    try {
      return sessionStorage.getItem(this._key(what)) ?? this._memory.get(what) ?? null;
    } catch {
      return this._memory.get(what) ?? null;
    }
  }

  private _set(what: string, value: string): void {
    this._memory.set(what, value);
    try {
      sessionStorage.setItem(this._key(what), value);
    } catch {
      // Where storage is forbidden a reload is a new guest.
    }
  }

  private _key(what: string): string {
    return `jupyter-peer:${this._linkId}:${what}`;
  }

  private readonly _memory = new Map<string, string>();
}
