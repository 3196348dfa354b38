import { TranslationBundle } from '@jupyterlab/translation';

/** The name of a check for people; the server's own is for programs. */
export function checkWords(check: string, trans: TranslationBundle): string {
  switch (check) {
    case 'versions':
      return trans.__('Versions');
    case 'extension':
      return trans.__('Server extension');
    case 'sidebar':
      return trans.__('JupyterLab panel');
    case 'data-dir':
      return trans.__('Data directory');
    case 'disk':
      return trans.__('Disk space');
    case 'store':
      return trans.__('Database');
    case 'trust':
      return trans.__('Trust');
    case 'directory':
      return trans.__('Directory');
    case 'jupyter':
      return trans.__('Jupyter server');
    case 'peer-listen':
      return trans.__('Port for peers');
    case 'host-check':
      return trans.__('Host names');
    case 'base-url':
      return trans.__('Base URL');
    case 'proxy':
      return trans.__('Proxy');
    case 'address':
      return trans.__('Address');
    case 'nat':
      return trans.__('Router (NAT)');
    case 'relay':
      return trans.__('Relay');
    case 'lobby':
      return trans.__('Lobby');
    case 'lan':
      return trans.__('Local network');
    case 'webrtc':
      return trans.__('WebRTC');
    case 'clock':
      return trans.__('Clock');
    case 'found':
      return trans.__('Found nodes');
    case 'peers':
      return trans.__('Peers');
    case 'link':
      return trans.__('Connection');
    case 'path':
      return trans.__('Path');
    case 'last-attempt':
      return trans.__('Last attempt');
    default: {
      const words = check.replace(/-/g, ' ');
      return words.charAt(0).toUpperCase() + words.slice(1);
    }
  }
}
