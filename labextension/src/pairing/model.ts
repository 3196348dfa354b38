import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket } from '../control';
import { PeerError } from '../requests';
import { IInvite, IMintedInvite, IPeer, IProgress, IReach } from '../shapes';

/** The invites of this node, and pairing with the invite of another. */
export class PairingModel {
  constructor(private readonly _control: ControlSocket) {
    _control.eventReceived.connect((_, { event }) => {
      if (event === 'invites') {
        void this._load();
      }
    });
    _control.stateChanged.connect(() => void this._load());
    void this._load();
  }

  /** Every invite that the server remembers. */
  get invites(): readonly IInvite[] {
    return this._invites;
  }

  /** An invite was created, redeemed or revoked, in this tab or elsewhere. */
  get changed(): ISignal<this, readonly IInvite[]> {
    return this._changed;
  }

  /** Make an invite as a text to send. */
  create(ttl_s: number, note: string): Promise<IMintedInvite> {
    return this._control.request('invite', { ttl_s, note, qr: true });
  }

  /** Make an invite that is handed over by a code to say. */
  createCode(note: string): Promise<IMintedInvite> {
    return this._control.request('invite', { note, code: true });
  }

  /** Choose the relay at which this node can be found, and where codes are used. */
  async meetAt(relay_url: string): Promise<void> {
    await this._control.request('set_reach', { mode: 'relay', relay_url });
  }

  /** Whether a person can choose a relay for codes; the configuration may rule a lobby out. */
  async mayMeet(): Promise<boolean> {
    const { locked } = await this._control.request<IReach>('reach');
    return !locked.relay && locked.webrtc !== 'lobby_url';
  }

  /** Let this network reach the node, and replace an invite that worked on this computer only. */
  async createForNetwork(former: IMintedInvite, note: string): Promise<IMintedInvite> {
    await this._control.request('set_reach', { mode: 'network' });
    const minted = await this.create(former.expires - Date.now() / 1000, note);
    await this.revoke(former.id);
    return minted;
  }

  async revoke(id: string): Promise<void> {
    await this._control.request('revoke_invite', { id });
  }

  /** Redeem an invite; resolves with the peer. */
  async pair(invite: string, onProgress: (progress: IProgress) => void): Promise<IPeer> {
    this._running += 1;
    try {
      const { peer } = await this._control.request<{ peer: IPeer }>(
        'pair',
        { invite },
        onProgress as (progress: unknown) => void
      );
      this._paired.add(peer.node_id);
      return peer;
    } finally {
      this._running -= 1;
    }
  }

  /** Whether this page pairs at the moment, or has paired with this node. */
  isPairing(nodeId: string): boolean {
    return this._running > 0 || this._paired.has(nodeId);
  }

  private async _load(): Promise<void> {
    if (this._control.state !== 'open') {
      return;
    }
    try {
      const { invites } = await this._control.request<{ invites: IInvite[] }>('invites');
      this._invites = invites;
      this._changed.emit(invites);
    } catch {
      // After an interruption they are read again.
    }
  }

  private readonly _changed = new Signal<this, readonly IInvite[]>(this);
  private readonly _paired = new Set<string>();
  private _running = 0;
  private _invites: readonly IInvite[] = [];
}

/** Seconds of a lifetime such as `10m`, `24h` or `7d`, as the settings write it. */
export function seconds(lifetime: string): number {
  const match = /^(\d+)([smhd])$/.exec(lifetime);
  if (!match) {
    throw new PeerError({ code: 'bad_request', message: `${lifetime} is not a time` });
  }
  return Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as 's' | 'm' | 'h' | 'd'];
}
