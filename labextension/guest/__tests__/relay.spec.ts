import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Bytes, concat, fromUtf8, toHex, u64, utf8 } from '../../wire/bytes';
import { noble, nodeIdOf } from '../../wire/crypto';
import { type Frame } from '../carrier';
import { RelayCarrier } from '../relay';

const OWNER = 'abcdefghijklmnop';
const CHALLENGE = 'c'.repeat(64);

class FakeSocket {
  static readonly OPEN = 1;
  static last: FakeSocket;
  readyState = 1;
  binaryType = '';
  sent: (string | Uint8Array)[] = [];
  onmessage: (event: { data: unknown }) => void = () => undefined;
  onopen: () => void = () => undefined;
  onclose: (event: { reason: string }) => void = () => undefined;
  constructor(readonly url: string) {
    FakeSocket.last = this;
  }
  send(data: string | Uint8Array) {
    this.sent.push(data);
  }
  close() {
    this.readyState = 3;
  }
  say(data: unknown) {
    this.onmessage({ data });
  }
}

let frames: Frame[];
let ofGroups: [string, Bytes][];
let ends: string[];
let me: string;
let carrier: RelayCarrier;
let opening: Promise<unknown>;
const socket = () => FakeSocket.last;
const settle = () => new Promise(resolve => setTimeout(resolve));

beforeEach(async () => {
  vi.stubGlobal('WebSocket', FakeSocket);
  [frames, ofGroups, ends] = [[], [], []];
  const signer = await noble.signer(new Uint8Array(32));
  me = nodeIdOf(signer.publicKey);
  carrier = new RelayCarrier('ws://relay.example/relay-ws', signer, OWNER, {
    onFrame: frame => frames.push(frame),
    onGroupFrame: (group, frame) => ofGroups.push([group, frame]),
    onEnd: reason => ends.push(reason)
  });
  opening = carrier.open().then(
    () => 'open',
    (error: { code: string }) => error.code
  );
  socket().onopen();
  await settle();
});

afterEach(() => vi.unstubAllGlobals());

async function register(challenge = CHALLENGE, facts = {}): Promise<void> {
  socket().say(JSON.stringify({ challenge, relay: 'x' }));
  await settle();
  socket().say(JSON.stringify({ registered: me, max_frame: 65536, ...facts }));
  await settle();
}

/** A frame of the relay, on the link that was just opened. */
function frame(
  form: number,
  rest: Uint8Array,
  change: { dst?: Uint8Array; src?: Uint8Array; link?: Uint8Array; kind?: number } = {}
) {
  const open = socket().sent[socket().sent.length - 1] as Uint8Array;
  const { dst = utf8(me), src = utf8(OWNER), link = open.slice(35, 43), kind = 0 } = change;
  const body = kind ? rest : concat(Uint8Array.of(form), rest);
  return concat(Uint8Array.of(1, kind, 8), dst, src, link, body).buffer;
}

it('registers, opens a link, and carries frames within the credit', async () => {
  await register();
  const [hello, proof, open] = socket().sent;
  expect(JSON.parse(hello as string)).toMatchObject({ register: me });
  expect(JSON.parse(proof as string).sig).toBeTruthy();
  expect(toHex(open as Uint8Array).slice(86, 88)).toBe('03');
  const credit = frame(2, u64(200));
  const text = frame(1, utf8('hello_ack'));
  socket().say(credit);
  expect(await opening).toBe('open');
  socket().say(text);
  expect(frames).toEqual(['hello_ack']);
  carrier.send(new Uint8Array(100));
  carrier.send(new Uint8Array(100));
  expect(socket().sent).toHaveLength(4); // the second waits for credit
});

it('joins a group of the owner where the relay has groups, and takes its frames', async () => {
  await register(CHALLENGE, { max_members: 256 });
  const group = 'a1'.repeat(8);
  const handedOn = frame(7, utf8('')) as ArrayBuffer;
  const bytes = new Uint8Array(handedOn.slice(0, 43));
  bytes[1] = 2;
  socket().say(frame(2, u64(200)));
  await opening;
  expect(carrier.join(group)).toBe(true);
  expect(toHex(socket().sent[3] as Uint8Array).slice(86)).toBe(group);
  socket().say(
    concat(
      bytes,
      Uint8Array.from({ length: 8 }, () => 0xa1),
      utf8('sealed')
    ).buffer
  );
  expect(ofGroups.map(([id, frame]) => [id, fromUtf8(frame)])).toEqual([[group, 'sealed']]);
  expect([frames, ends]).toEqual([[], []]);
});

it('joins no group at a relay that has none', async () => {
  await register();
  expect(carrier.join('a1'.repeat(8))).toBe(false);
  expect(socket().sent).toHaveLength(3);
});

it('signs no challenge of another relay', async () => {
  socket().say(JSON.stringify({ challenge: `${CHALLENGE}@other.example` }));
  expect(await opening).toBe('wrong_node');
  expect(socket().sent).toHaveLength(1);
});

it('takes no frame of another node, link or receiver', async () => {
  await register();
  const others = [
    { src: utf8('b'.repeat(16)) },
    { dst: utf8('b'.repeat(16)) },
    { link: new Uint8Array(8) }
  ].map(change => frame(1, utf8('forged'), change));
  const credit = frame(2, u64(1000));
  socket().say(credit);
  await opening;
  others.forEach(each => socket().say(each));
  expect([frames, ends]).toEqual([[], []]);
});

// None of these words ends the link for good: a relay could say them all.
it.each([
  [() => JSON.stringify({ undeliverable: OWNER, link: '00' }), 'undeliverable'],
  [() => JSON.stringify({ error: { code: 'busy' } }), 'busy'],
  [() => JSON.stringify({ error: { code: 'stopped' } }), 'refused'],
  [() => frame(0, utf8('expired'), { kind: 1 }), 'closed'],
  [() => frame(0, utf8('busy'), { kind: 1 }), 'busy'],
  [() => 'no JSON', 'malformed'],
  [() => new ArrayBuffer(3), 'malformed']
])('ends when the relay says so, or says what nobody understands', async (made, reason) => {
  await register();
  socket().say(made());
  expect(await opening).toBe(reason);
  expect(ends).toEqual([reason]);
});
