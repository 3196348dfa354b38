import { describe, expect, it } from 'vitest';
import { toHex } from '../../wire/bytes';
import { readLink } from '../address';

const ID = '0123456789abcdef';
const OWNER = 'abcdefghijklmnop';
const SECRET = 'AAAAAAAAAAAAAAAAAAAAAA';
const FRAGMENT = `#v1.${SECRET}.${'A'.repeat(42)}E`;

describe('a link', () => {
  it.each([
    [`https://relay.example/s/${OWNER}/${ID}`, 'wss://relay.example/relay-ws', true],
    [`https://relay.example/sub/s/${OWNER}/${ID}`, 'wss://relay.example/sub/relay-ws', true],
    [`http://10.0.0.2:9797/s/${ID}`, 'ws://10.0.0.2:9797/guest-ws', false],
    [`http://localhost:8888/jupyter-peer/s/${ID}`, 'ws://localhost:8888/guest-ws', false],
    [
      `https://hub.example/user/ada/jupyter-peer/s/${ID}`,
      'wss://hub.example/user/ada/guest-ws',
      false
    ]
  ])('%s leads to its socket', (url, socket, byRelay) => {
    const link = readLink(new URL(url + FRAGMENT));
    expect(link).toMatchObject({ id: ID, secret: SECRET, socket, byRelay });
    expect(toHex(link!.keyHash)).toBe('00'.repeat(31) + '01');
  });

  it.each([
    `https://relay.example/s/${OWNER}/${ID}`,
    `https://relay.example/s/${OWNER}/${ID}#`,
    `https://relay.example/s/${OWNER}/${ID}${FRAGMENT.slice(0, -1)}`,
    `https://relay.example/s/${OWNER}/${ID}${FRAGMENT.replace('v1', 'v2')}`,
    `https://relay.example/s/${OWNER}/${ID}${FRAGMENT}.x`,
    `https://relay.example/s/${OWNER}/${ID.slice(1)}${FRAGMENT}`,
    `https://relay.example/x/${ID}${FRAGMENT}`
  ])('%s is none', url => {
    expect(readLink(new URL(url))).toBeNull();
  });
});
