import { TranslationBundle } from '@jupyterlab/translation';

/** The networks that can reach the page of a link. */
export type LinkReach = 'computer' | 'network' | 'anywhere';

const PRIVATE =
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|\[f[cde])/;

/** Tell by the host of a link who can reach it; a name says nothing, so it counts as reachable. */
export function reachOf(link: string): LinkReach {
  const { hostname } = new URL(link);
  if (hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')) {
    return 'computer';
  }
  return PRIVATE.test(hostname) || hostname.endsWith('.local') ? 'network' : 'anywhere';
}

/** One sentence about the people who can open a link. */
export function whoCanOpen(link: string, grant: string, trans: TranslationBundle): string {
  const { host } = new URL(link);
  const use = grant === 'interact';
  switch (reachOf(link)) {
    case 'computer':
      return trans.__('Only browsers on this computer can open this link.');
    case 'network':
      return use
        ? trans.__('Anyone in your network who has this link can see and use this output.')
        : trans.__('Anyone in your network who has this link can see this output.');
    default:
      return use
        ? trans.__('Anyone who has this link and reaches %1 can see and use this output.', host)
        : trans.__('Anyone who has this link and reaches %1 can see this output.', host);
  }
}

export function pathWords(path: string, trans: TranslationBundle): string {
  return path === 'relay' ? trans.__('by the relay') : trans.__('directly');
}
