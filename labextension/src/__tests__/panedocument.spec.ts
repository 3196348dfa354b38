import { IOutput } from '@jupyterlab/nbformat';
import { CommandRegistry } from '@lumino/commands';
import { nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PaneView } from '../paneview';
import { Bond } from '../model';
import { PaneDocument } from '../panes/document';
import { fileName, pictureOf, textOf } from '../panes/saving';
import { addTools } from '../panes/toolbar';
import { FromFrame } from '../viewerprotocol';
import { openWindow, takeTicket } from '../panes/window';
import { serverSettings } from './fakes';
import { answered, endSession, ISession, openSession, say, trans } from './session';

const PEER = 'bobbobbobbobbob2';
const info = {
  name: 'loss',
  title: 'Loss',
  grant: 'view',
  since: 1,
  status: 'live',
  last_seen: null,
  owner: { node_id: PEER, node_name: 'bob', alias: null },
  path: 'direct',
  rtt_ms: 3,
  truncated: 0
};
const state = {
  epoch: 'e',
  rev: 1,
  truncated: 0,
  outputs: [],
  display_ids: {},
  clear_wait: false,
  text_limit: 1000,
  widgets: {}
};

let session: ISession;
let pane: PaneDocument;
let bond: Bond;

beforeEach(async () => {
  bond = 'peer';
  const settings = serverSettings();
  session = await openSession();
  const view = new PaneView(
    {
      commands: session.view.commands,
      control: session.control,
      settings,
      translator: nullTranslator,
      nameOf: () => 'bob',
      bondWith: () => bond,
      sites: null
    },
    PEER,
    'loss',
    'tab'
  );
  pane = new PaneDocument(view);
  addTools(pane, new CommandRegistry(), 'http://127.0.0.1:8888/', trans);
  Widget.attach(pane, document.body);
  MessageLoop.flush();
});

afterEach(() => {
  pane.dispose();
  endSession(session);
});

async function openIt(): Promise<void> {
  void pane.content.feed.start();
  await answered('open', { watch: 1, info, state });
}

const words = () => pane.content.node.querySelector('.jp-PeerPane-header')!.textContent;
const isShown = () =>
  pane.content.frame.node.querySelector('iframe') !== null && !pane.content.frame.isHidden;

describe('a pane as a document', () => {
  it('has the name of its owner in its tab before it is open', () => {
    expect(pane.title.label).toBe('bob/loss');
  });

  it('becomes the current document by a press in its frame', () => {
    const onFocus = vi.fn();
    pane.node.addEventListener('focus', onFocus, true);
    const press = { type: 'jupyter-peer:witness', id: 0, press: true };
    const event = new MessageEvent('message', {
      data: { ...press, isActive: true, hasBeenActive: true }
    });
    const source = pane.content.node.querySelector('iframe')!.contentWindow;
    Object.defineProperty(event, 'source', { value: source });
    window.dispatchEvent(event);
    expect(onFocus).toHaveBeenCalledOnce();
  });

  it('shows nothing any more once its owner has stopped it, and begins anew when it is shared again', async () => {
    await openIt();
    await vi.waitFor(() => expect(words()).toContain('Live'));
    expect(isShown()).toBe(true);
    await say({ event: 'pane', data: { watch: 1, info: { ...info, status: 'withdrawn' } } });
    await vi.waitFor(() => expect(words()).toContain('Stopped by bob'));
    expect(words()).not.toContain('Live');
    expect(isShown()).toBe(false);
    await say({ event: 'pane', data: { watch: 1, info } });
    expect(isShown()).toBe(true);
  });

  it.each([
    ['blocked', 'You have blocked bob'],
    ['none', 'bob is no longer a peer of yours']
  ] as const)('says what its viewer has done to its owner: %s', async (now, said) => {
    await openIt();
    bond = now;
    const owner = { ...info.owner, node_name: now === 'none' ? '' : 'bob' };
    const withdrawn = { ...info, status: 'withdrawn', owner };
    await say({ event: 'pane', data: { watch: 1, info: withdrawn } });
    await vi.waitFor(() => expect(words()).toContain(said));
    expect(words()).toContain('bob/');
  });

  it('says that it is paused, and goes on', async () => {
    await openIt();
    pane.content.isPaused = true;
    await vi.waitFor(() => expect(words()).toContain('Paused'));
    pane.content.isPaused = false;
    await vi.waitFor(() => expect(words()).toContain('Live'));
  });

  it('asks again for code of widgets that did not come, when it is opened again', async () => {
    const { content } = pane;
    const restart = vi.spyOn(content.frame, 'restart');
    const get = vi.spyOn(content.feed, 'module').mockResolvedValueOnce('define({})');
    const frame = content.frame.messageReceived as unknown as Signal<unknown, FromFrame>;
    frame.emit({ type: 'module', name: 'plots' });
    await get.mock.results[0].value;
    content.openAgain();
    expect(restart).not.toHaveBeenCalled();
    await openIt();
    await vi.waitFor(() => expect(words()).toContain('Live'));
    expect(words()).not.toContain('Ask again');
    get.mockRejectedValueOnce(new Error('the owner did not answer in time'));
    frame.emit({ type: 'module', name: 'maps' });
    await vi.waitFor(() => expect(words()).toContain('Ask again for the widgets'));
    content.openAgain();
    expect(restart).toHaveBeenCalledOnce();
  });

  it('reads what it shows now and lets go of it again', async () => {
    const outputs: IOutput[] = [{ output_type: 'stream', name: 'stdout', text: 'hello' }];
    const read = pane.content.feed.read();
    await answered('open', { watch: 7, info, state: { ...state, outputs } });
    expect(await read).toEqual(outputs);
  });
});

describe('what is saved of a pane', () => {
  const outputs: IOutput[] = [
    { output_type: 'stream', name: 'stdout', text: ['step 1\n', 'step 2\n'] },
    { output_type: 'display_data', data: { 'image/png': 'AAAA' }, metadata: {} },
    {
      output_type: 'display_data',
      data: { 'image/png': 'QUJD', 'text/plain': 'a plot' },
      metadata: {}
    },
    { output_type: 'error', ename: 'ValueError', evalue: 'no', traceback: [] }
  ];

  it('is the last picture, or none', () => {
    expect(pictureOf(outputs)).toEqual({ mime: 'image/png', extension: 'png', data: 'QUJD' });
    expect(pictureOf(outputs.slice(0, 1))).toBeNull();
  });

  it('is its text, one output after the other', () => {
    expect(textOf(outputs)).toBe('step 1\nstep 2\na plot\nValueError: no\n');
  });

  it('has a name that no path can be made of', () => {
    expect(fileName('ada/loss', 'png')).toBe('ada-loss.png');
    expect(fileName('../../etc', 'png')).toBe('etc.png');
    expect(fileName('…', 'json')).toBe('pane.json');
  });
});

describe('the window of a pane', () => {
  it('is opened by a ticket that is good once', () => {
    const open = vi.spyOn(window, 'open').mockReturnValue(null);
    openWindow('http://127.0.0.1:8888/', { peer: PEER, name: 'loss' });
    const address = String(open.mock.lastCall![0]);
    expect(address).toContain(`/doc/workspaces/jupyter-peer-${PEER}-loss?`);
    expect(takeTicket(address)).toEqual({ peer: PEER, name: 'loss' });
    expect(takeTicket(address)).toBeNull();
    expect(takeTicket('http://127.0.0.1:8888/lab')).toBeNull();
  });
});
