import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket, IControlEvent } from '../control';
import { ILink, IMintedLink } from '../shapes';

/** A person's choices for a new link; `days` and the like are words of `LIVES`. */
export interface ILinkChoice {
  pane: string;
  grant: string;
  ttl_s: number;
  max_guests: number;
}

/** The guest links of this node and who has each open, in step with the control socket. */
export class LinksModel {
  constructor(private readonly _control: ControlSocket) {
    _control.eventReceived.connect(this._onEvent, this);
    _control.stateChanged.connect(() => void this._load());
    void this._load();
  }

  get links(): readonly ILink[] {
    return this._links;
  }

  get changed(): ISignal<this, readonly ILink[]> {
    return this._changed;
  }

  make(choice: ILinkChoice): Promise<IMintedLink> {
    return this._control.request<IMintedLink>('link', { ...choice, qr: true });
  }

  /** Make a link again where more people can reach it, and stop the one before. */
  async makeForNetwork(before: string, choice: ILinkChoice): Promise<IMintedLink> {
    await this._control.request('set_reach', { mode: 'network' });
    const made = await this.make(choice);
    await this.stop(before);
    return made;
  }

  async stop(id: string): Promise<void> {
    await this._control.request('unlink', { id });
  }

  async drop(id: string, guest: string): Promise<void> {
    await this._control.request('drop_guest', { id, guest });
  }

  private _onEvent(_: ControlSocket, { event, data }: IControlEvent): void {
    if (event === 'links') {
      this._learn((data as { links: ILink[] }).links);
    }
  }

  private async _load(): Promise<void> {
    if (this._control.state !== 'open') {
      return;
    }
    try {
      this._learn((await this._control.request<{ links: ILink[] }>('links')).links);
    } catch {
      // After an interruption they are read again.
    }
  }

  private _learn(links: readonly ILink[]): void {
    this._links = links;
    this._changed.emit(links);
  }

  private readonly _changed = new Signal<this, readonly ILink[]>(this);
  private _links: readonly ILink[] = [];
}
