import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { SETTINGS_ID } from './tokens';

/** The settings of the extension; see `schema/plugin.json`. */
export interface IPeerSettings {
  showOffline: boolean;
  inviteLifetime: string;
  /** Which notifications are shown. */
  notifyPaired: boolean;
  notifyShared: boolean;
  notifyWatched: boolean;
  notifyEnded: boolean;
  notifyChat: boolean;
  notifyApproval: boolean;
  notifyFailed: boolean;
}

export const DEFAULT_SETTINGS: IPeerSettings = {
  showOffline: true,
  inviteLifetime: '24h',
  notifyPaired: true,
  notifyShared: true,
  notifyWatched: true,
  notifyEnded: true,
  notifyChat: true,
  notifyApproval: true,
  notifyFailed: true
};

/** Apply the settings now and at each change; without a registry the defaults stay. */
export async function followSettings(
  registry: ISettingRegistry | null,
  apply: (settings: IPeerSettings) => void
): Promise<void> {
  try {
    const settings = await registry?.load(SETTINGS_ID);
    const read = () =>
      apply({ ...DEFAULT_SETTINGS, ...(settings?.composite as Partial<IPeerSettings>) });
    settings?.changed.connect(read);
    read();
  } catch (reason) {
    console.error('jupyter-peer: the settings could not be read', reason);
  }
}
