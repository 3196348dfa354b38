import { ControlSocket } from '../control';
import { IMintedLink } from '../shapes';

/** A person's choices for a new link; `days` and the like are words of `LIVES`. */
export interface ILinkChoice {
  pane: string;
  grant: string;
  ttl_s: number;
  max_guests: number;
}

/** Makes and stops guest links of this node, and drops guests. */
export class LinksModel {
  constructor(private readonly _control: ControlSocket) {}

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
}
