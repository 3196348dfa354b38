import { PageConfig } from '@jupyterlab/coreutils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { SETTINGS_ID } from '../tokens';

/** The setting: which sites the panes of each peer may load from. */
type Allowed = Record<string, string[]>;

const SETTING = 'allowedSites';

/** The public sites from which panes may load, and what a person has allowed. */
export class PaneSites {
  /** @param _known - Of the server's administrator; empty where that is forbidden. */
  constructor(
    private readonly _registry: ISettingRegistry | null,
    private readonly _known: readonly string[] = knownSites()
  ) {
    void this._follow();
  }

  /** The known site that a host belongs to; none for any other host. */
  siteOf(host: string): string | undefined {
    return this._known.find(site => host === site || host.endsWith(`.${site}`));
  }

  /** The sites that all panes of a peer may load from. */
  ofPeer(peer: string): string[] {
    const sites = this._allowed[peer];
    return Array.isArray(sites) ? sites.filter(site => this._known.includes(site)) : [];
  }

  /** Allow a site for all panes of a peer, or, with false, no more. */
  async setForPeer(peer: string, site: string, isAllowed: boolean): Promise<void> {
    const others = this.ofPeer(peer).filter(each => each !== site);
    const allowed = { ...this._allowed, [peer]: isAllowed ? [...others, site] : others };
    this._allowed = Object.fromEntries(
      Object.entries(allowed).filter(([, each]) => each.length > 0)
    );
    await this._registry?.set(SETTINGS_ID, SETTING, this._allowed);
  }

  private async _follow(): Promise<void> {
    const settings = await this._registry?.load(SETTINGS_ID).catch(() => undefined);
    const read = () => {
      this._allowed = { ...(settings?.composite[SETTING] as Allowed | undefined) };
    };
    settings?.changed.connect(read);
    read();
  }

  private _allowed: Allowed = {};
}

function knownSites(): string[] {
  try {
    const sites: unknown = JSON.parse(PageConfig.getOption('peerPaneSites') || '[]');
    return Array.isArray(sites) ? sites.filter(each => typeof each === 'string') : [];
  } catch {
    return [];
  }
}
