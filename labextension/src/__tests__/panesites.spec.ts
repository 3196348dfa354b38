import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { expect, it, vi } from 'vitest';
import { PaneSites } from '../panes/sites';

const KNOWN = ['cdn.jsdelivr.net', 'tile.openstreetmap.org'];

function registry(composite: object): ISettingRegistry {
  const load = async () => ({ composite, changed: { connect: () => undefined } });
  return { load, set: vi.fn(async () => undefined) } as unknown as ISettingRegistry;
}

it('knows the site of a host, and of no host that only looks like it', () => {
  const sites = new PaneSites(null, KNOWN);
  expect(sites.siteOf('cdn.jsdelivr.net')).toBe('cdn.jsdelivr.net');
  expect(sites.siteOf('a.tile.openstreetmap.org')).toBe('tile.openstreetmap.org');
  for (const host of ['evilcdn.jsdelivr.net', 'cdn.jsdelivr.net.evil.example', 'net', '']) {
    expect(sites.siteOf(host)).toBeUndefined();
  }
});

it('stores what is allowed for all panes of a peer, and forgets it when it is revoked', async () => {
  const settings = registry({ allowedSites: { bob: ['evil.example', 'cdn.jsdelivr.net'] } });
  const sites = new PaneSites(settings, KNOWN);
  await vi.waitFor(() => expect(sites.ofPeer('bob')).toEqual(['cdn.jsdelivr.net']));
  expect(sites.ofPeer('carol')).toEqual([]);
  await sites.setForPeer('carol', 'tile.openstreetmap.org', true);
  expect(sites.ofPeer('carol')).toEqual(['tile.openstreetmap.org']);
  await sites.setForPeer('bob', 'cdn.jsdelivr.net', false);
  const [, , stored] = vi.mocked(settings.set).mock.lastCall as unknown as [string, string, object];
  expect(stored).toEqual({ carol: ['tile.openstreetmap.org'] });
});

it('offers nothing where the administrator forbids it', () => {
  expect(new PaneSites(null).siteOf('cdn.jsdelivr.net')).toBeUndefined();
});
