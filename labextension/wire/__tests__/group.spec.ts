import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { beforeEach, describe, expect, it } from 'vitest';

import { type Bytes, concat, fromBase64, fromHex, toBase64 } from '../bytes';
import { Channel } from '../channel';
import { hash, type ISigner, noble, primitives } from '../crypto';
import { canonicalBytes } from '../envelope';
import { envelopeFrame } from '../frames';
import { type IGroupKey, readGroupKey } from '../group';

const path = resolve(process.cwd(), '../tests/vectors/group.json');
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const vector: any = JSON.parse(readFileSync(path, 'utf8'));
const [first, second] = vector.epochs;
const GROUP: string = first.key.group;
const frameOf = (epoch: { sealed: { frame: string }[] }, number: number) =>
  fromHex(epoch.sealed[number].frame);
const keyOf = (epoch: { key: Record<string, unknown> }, change = {}) =>
  readGroupKey({ ...epoch.key, join: true, ...change }) as IGroupKey;

describe.each([
  ['noble', () => Promise.resolve(noble)],
  ['the own one', () => primitives()]
] as const)('a group, with the primitives of %s', (_, engine) => {
  let channel: Channel;
  let owner: ISigner;

  beforeEach(async () => {
    const tools = await engine();
    owner = await tools.signer(Uint8Array.from({ length: 32 }, (_, byte) => byte));
    channel = new Channel({
      session: {
        peer: vector.owner,
        peerName: 'ada',
        peerKey: fromBase64(vector.owner_key),
        inward: await tools.sealKey(new Uint8Array(32)),
        outward: await tools.sealKey(new Uint8Array(32)),
        session: '',
        auth: {},
        authInReplyTo: ''
      },
      signer: await tools.signer(new Uint8Array(32)),
      primitives: tools,
      send: () => undefined
    });
    channel.useGroupKey(keyOf(first));
  });

  const got = async (frame: Bytes) => {
    const messages = await channel.receiveOfGroup(GROUP, frame);
    return messages.map(({ type, msg_id }) => `${type} ${parseInt(msg_id, 16)}`);
  };

  /** A frame at a place, as somebody makes it who has the key. */
  async function forged(
    signer: ISigner,
    change: object,
    type = 'pane_update',
    place = frameOf(first, 0)
  ) {
    const at = place.slice(0, 12);
    const data = { group: { id: GROUP, epoch: 0, n: 0, ...change } };
    const fields = { type, msg_id: '7'.repeat(32), re: null, src: vector.owner, ts: 1, data };
    const signed = canonicalBytes(fields as unknown as Parameters<typeof canonicalBytes>[0]);
    const inner = envelopeFrame(signed, await signer.sign(signed));
    const key = await noble.sealKey(fromBase64(first.key.key));
    return concat(at, await key.seal(at, inner));
  }

  it('opens what Python has sealed, and goes on with the next key', async () => {
    expect(await got(frameOf(first, 0))).toEqual(['pane_update 1']);
    expect(await got(frameOf(first, 1))).toEqual(['pane_update 2']);
    channel.useGroupKey(keyOf(second, { join: false }));
    expect(await got(frameOf(second, 0))).toEqual(['pane_update 3']);
    expect(await got(frameOf(second, 1))).toEqual(['pane_update 4']);
  });

  it('opens a frame behind one that is lost, and none twice or out of order', async () => {
    expect(await got(frameOf(first, 1))).toEqual(['pane_update 2']);
    expect(await got(frameOf(first, 1))).toEqual([]);
    expect(await got(frameOf(first, 0))).toEqual([]);
  });

  it('opens nothing of another epoch', async () => {
    expect(await got(frameOf(second, 0))).toEqual([]);
    channel.useGroupKey(keyOf(second));
    expect(await got(frameOf(first, 0))).toEqual([]);
    channel.useGroupKey(keyOf(first));
    expect(await got(frameOf(second, 0))).toEqual(['pane_update 3']);
  });

  it('refuses what was altered, and takes the frame itself afterwards', async () => {
    const whole = frameOf(first, 0);
    for (let at = 0; at < whole.length; at += 41) {
      const altered = whole.slice();
      altered[at] ^= 1;
      expect(await got(altered)).toEqual([]);
    }
    expect(await got(whole.subarray(0, 20))).toEqual([]);
    expect(await got(new Uint8Array(300_000))).toEqual([]);
    expect(await got(whole)).toEqual(['pane_update 1']);
  });

  it('refuses what a member makes, and what the owner has signed for elsewhere', async () => {
    const other = await noble.signer(hash(new Uint8Array(1)));
    expect(await got(await forged(other, {}))).toEqual([]);
    for (const change of [{ n: 1 }, { epoch: 1 }, { id: '0'.repeat(16) }]) {
      expect(await got(await forged(owner, change))).toEqual([]);
    }
    expect(await got(await forged(owner, {}, 'bye'))).toEqual([]);
    const right = await got(await forged(owner, {}));
    expect(right).toHaveLength(1);
  });

  it('is joined only when it is asked to', async () => {
    const key = keyOf(first, { group: 'b'.repeat(16), join: false });
    channel.useGroupKey(key);
    expect(await channel.receiveOfGroup(key.group, frameOf(first, 0))).toEqual([]);
  });
});

it.each([
  {},
  { group: 'A'.repeat(16), epoch: 0, key: first.key.key },
  { group: GROUP, epoch: -1, key: first.key.key },
  { group: GROUP, epoch: 2 ** 32, key: first.key.key },
  { group: GROUP, epoch: 0, key: 'no base64' },
  { group: GROUP, epoch: 0, key: toBase64(new Uint8Array(31)) }
])('what is no key of a group is ignored: %j', data => {
  expect(readGroupKey(data)).toBeNull();
});

it('the place that a signature names keeps its digits', () => {
  const text: string = second.sealed[1].canonical;
  expect(text).toContain('"group":{"epoch":1,"id":"0001020304050607","n":1}');
});
