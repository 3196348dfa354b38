/** The parts of a guest link, as the page finds them in its own address (SPEC section 11). */

import { type Bytes, fromBase64Url } from '../wire/bytes';

export interface IGuestLink {
  id: string;
  secret: string;
  /** SHA-256 of the owner's public key. */
  keyHash: Bytes;
  /** Where the guest connects: `/relay-ws` of a relay, or `/guest-ws` of the owner's own port. */
  socket: string;
  byRelay: boolean;
}

/** The last of these that fits: a relay's path names the owner too. */
const PATHS = [
  { pattern: /^(.*)\/s\/([0-9a-f]{16})$/, end: /\/jupyter-peer$/, door: '/guest-ws' },
  { pattern: /^(.*)\/s\/[a-z2-7]{16}\/([0-9a-f]{16})$/, end: null, door: '/relay-ws' }
];
const FRAGMENT = /^#v1\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

/** Return the link that an address is, null when a part of it is missing or damaged. */
export function readLink(url: URL | Location): IGuestLink | null {
  const fragment = FRAGMENT.exec(url.hash);
  for (const { pattern, end, door } of PATHS) {
    const found = pattern.exec(url.pathname);
    if (found && fragment) {
      const base = end ? found[1].replace(end, '') : found[1];
      const scheme = url.protocol === 'https:' ? 'wss:' : 'ws:';
      return {
        id: found[2],
        secret: fragment[1],
        keyHash: fromBase64Url(fragment[2]),
        socket: `${scheme}//${url.host}${base}${door}`,
        byRelay: door === '/relay-ws'
      };
    }
  }
  return null;
}
