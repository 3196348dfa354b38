/** The owner as the guest knows it: connected to again and again, until the link is over. */

import { type IPrimitives, type ISigner, primitives } from '../wire/crypto';
import { WireError } from '../wire/errors';
import { type IGuestLink } from './address';
import { type IOwnersMessage, Session } from './session';
import { type Tab } from './tab';

/** `connecting` until the first answer; `away` after that while the owner is not there. */
export type Presence = 'connecting' | 'here' | 'away' | 'full' | 'over';

const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 15_000;
const FULL_PAUSE_MS = 5000;

/** Reasons after which this link opens nothing any more, and what a person reads. */
export const ENDS: Record<string, string> = {
  stopped: 'This link was stopped by its owner.',
  dropped: 'The owner has closed this pane for you.',
  expired: 'This link has expired. Ask its owner for a new one.',
  link_expired: 'This link has expired. Ask its owner for a new one.',
  link_unknown:
    'This link was stopped, or is not complete. Copy the whole link, or ask its owner for a new one.',
  wrong_node:
    'Another computer answered than the one that made this link. Nothing was shown to it.',
  key_changed:
    'Another computer answered than the one that made this link. Nothing was shown to it.',
  bad_identity:
    'Another computer answered than the one that made this link. Nothing was shown to it.',
  bad_signature:
    'Another computer answered than the one that made this link. Nothing was shown to it.',
  not_trusted: 'This computer admits no guests here.'
};

export interface IOwnerEvents {
  onPresence: (presence: Presence, reason: string) => void;
  onMessage: (message: IOwnersMessage) => void;
}

export class Owner {
  constructor(
    private readonly _link: IGuestLink,
    private readonly _tab: Tab,
    private readonly _events: IOwnerEvents
  ) {
    for (const event of ['online', 'pageshow']) {
      window.addEventListener(event, () => this._hurry());
    }
    document.addEventListener('visibilitychange', () => this._hurry());
    // A tab that goes says so at once, and its place is free for others.
    window.addEventListener('pagehide', () => this._session?.close('left'));
  }

  /** What the owner calls itself; empty before the first connection. */
  get name(): string {
    return this._name;
  }

  get session(): Session | null {
    return this._session;
  }

  /** When the owner was there last (milliseconds). */
  get seenAt(): number {
    return this._seenAt;
  }

  /** Connect, and stay connected. */
  start(): void {
    void this._connect();
  }

  /** Connect anew, with what the tab says now. */
  again(): void {
    this._session?.close('again');
  }

  private async _connect(): Promise<void> {
    clearTimeout(this._timer);
    this._isConnecting = true;
    try {
      this._primitives ??= await primitives();
      const signer = await this._signer(this._primitives);
      const session = await Session.open(this._link, this._tab.name, signer, this._primitives, {
        onMessage: message => {
          this._seenAt = Date.now();
          this._events.onMessage(message);
        },
        onEnd: reason => this._onEnd(reason)
      });
      this._session = session;
      this._name = session.ownerName;
      this._pause = FIRST_PAUSE_MS;
      this._seenAt = Date.now();
      this._isConnecting = false;
      this._events.onPresence('here', '');
      session.begin();
    } catch (error) {
      this._isConnecting = false;
      this._onEnd(error instanceof WireError ? error.code : 'error');
    }
  }

  private _onEnd(reason: string): void {
    this._session = null;
    if (reason === 'replaced') {
      // A duplicate of this tab has this tab's key; from now on each has its own.
      this._tab.renew();
    }
    if (reason in ENDS) {
      this._isOver = true;
      this._events.onPresence('over', reason);
      return;
    }
    const isFull = reason === 'busy';
    this._events.onPresence(isFull ? 'full' : this._name ? 'away' : 'connecting', reason);
    const pause = isFull ? FULL_PAUSE_MS : this._pause;
    this._pause = Math.min(2 * this._pause, LAST_PAUSE_MS);
    this._timer = setTimeout(() => void this._connect(), pause * (0.75 + Math.random() / 2));
  }

  /** Try at once: the network is back, or a person looks. */
  private _hurry(): void {
    const isLooked = document.visibilityState !== 'hidden';
    if (isLooked && !this._isOver && !this._session && !this._isConnecting) {
      void this._connect();
    }
  }

  private _signer(tools: IPrimitives): Promise<ISigner> {
    return tools.signer(this._tab.seed);
  }

  private _primitives: IPrimitives | null = null;
  private _session: Session | null = null;
  private _name = '';
  private _seenAt = 0;
  private _pause = FIRST_PAUSE_MS;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isConnecting = false;
  private _isOver = false;
}
