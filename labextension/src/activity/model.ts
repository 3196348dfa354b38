import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket } from '../control';
import { PeerError } from '../requests';
import { IAuditEntry } from '../shapes';

/** Entries that are read, of the 10,000 that the server keeps. */
const READ = 1000;

export interface IActivity {
  /** The newest first; null until they are read. */
  readonly entries: readonly IAuditEntry[] | null;
  readonly error: PeerError | null;
  /** The node id of the peer whose entries are shown; null shows those of everybody. */
  readonly peer: string | null;
}

/** The audit log of this node, as it was when it was read. */
export class ActivityLog {
  constructor(private readonly _control: ControlSocket) {}

  get state(): IActivity {
    return this._state;
  }

  get changed(): ISignal<this, IActivity> {
    return this._changed;
  }

  /** Read the newest entries, in place of those that are shown. */
  async read(): Promise<void> {
    try {
      const { audit } = await this._control.request<{ audit: IAuditEntry[] }>('audit', {
        limit: READ
      });
      this._update({ entries: audit, error: null });
    } catch (reason) {
      this._update({ error: PeerError.from(reason) });
    }
  }

  /** Show the entries of one peer alone, or with null those of everybody. */
  choose(peer: string | null): void {
    this._update({ peer });
  }

  private _update(change: Partial<IActivity>): void {
    this._state = { ...this._state, ...change };
    this._changed.emit(this._state);
  }

  private readonly _changed = new Signal<this, IActivity>(this);
  private _state: IActivity = { entries: null, error: null, peer: null };
}

/** The node ids that an entry is about: of its peer, and of those whom its detail names. */
export function peersOf({ peer, detail }: IAuditEntry): string[] {
  const named = [detail.with, detail.only, detail.chain].flatMap(each => each ?? []) as string[];
  return [...new Set(peer === null ? named : [peer, ...named])];
}
