import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PaneFrame } from '../paneframe';
import { frameWords } from '../framewords';
import { FromFrame, PORT, READY } from '../viewerprotocol';
import { nullTranslator } from '@jupyterlab/translation';

let frame: PaneFrame;
let inner: { postMessage: ReturnType<typeof vi.fn> };
let outer: Window;
let messages: FromFrame[];

beforeEach(() => {
  frame = new PaneFrame('about:blank', frameWords(nullTranslator.load('x')), 'ada/loss');
  messages = [];
  frame.messageReceived.connect((_, message) => messages.push(message));
  Widget.attach(frame, document.body);
  inner = { postMessage: vi.fn() };
  outer = { length: 1, 0: inner } as unknown as Window;
  Object.defineProperty(iframe(), 'contentWindow', { configurable: true, get: () => outer });
  vi.spyOn(frame, 'isVisible', 'get').mockReturnValue(true);
});

afterEach(() => frame.dispose());

const iframe = () => frame.node.querySelector('iframe')!;

function post(source: unknown, data: unknown, origin = 'null'): void {
  const event = new MessageEvent('message', { data, origin });
  Object.defineProperty(event, 'source', { value: source });
  window.dispatchEvent(event);
}

/** The frame's end of the channel that it was given. */
function begin(): MessagePort {
  post(inner, READY);
  const [message, origin, ports] = inner.postMessage.mock.lastCall!;
  expect([message.type, origin]).toEqual([PORT, '*']);
  return ports[0];
}

describe('PaneFrame', () => {
  it('is sandboxed to an origin of its own, and allowed nothing but scripts', () => {
    expect(iframe().getAttribute('sandbox')).toBe('allow-scripts');
    expect(iframe().getAttribute('allow')).toBe('');
    expect(iframe().title).toBe('ada/loss');
  });

  it('gives a port to the frame in its frame and to nobody else', () => {
    post(window, READY);
    post(outer, READY);
    post({ postMessage: vi.fn() }, READY);
    post(inner, 'something else');
    post(inner, READY, 'http://localhost:8888');
    expect(inner.postMessage).not.toHaveBeenCalled();
    begin();
    expect(frame.status).toBe('ready');
  });

  it('passes on what it knows', async () => {
    const port = begin();
    port.postMessage({ type: 'anything' });
    port.postMessage({ type: 'shown', rev: 1 });
    await vi.waitFor(() => expect(messages).toEqual([{ type: 'shown', rev: 1 }]));
    port.close();
  });

  it('shows steps in order once it is seen', async () => {
    const port = begin();
    const revs: number[] = [];
    port.onmessage = ({ data }) => data.type === 'step' && revs.push(data.step.rev);
    vi.spyOn(frame, 'isVisible', 'get').mockReturnValue(false);
    frame.showStep({ epoch: 'e', rev: 1, outputs: [] });
    frame.showStep({ epoch: 'e', rev: 2, prev: 1, messages: [] });
    // A whole state makes what waits before it needless.
    frame.showStep({ epoch: 'e', rev: 5, outputs: [] });
    frame.showStep({ epoch: 'e', rev: 6, prev: 5, messages: [] });
    expect(revs).toEqual([]);
    vi.spyOn(frame, 'isVisible', 'get').mockReturnValue(true);
    MessageLoop.sendMessage(frame, Widget.Msg.AfterShow);
    await vi.waitFor(() => expect(revs).toEqual([5, 6]));
    port.close();
  });

  it('is taken away when it floods the page', () => {
    begin();
    for (let count = 0; count < 2000; count++) {
      post(inner, 'x');
    }
    expect(frame.status).toBe('flood');
    expect(frame.node.querySelector('iframe')).toBeNull();
    frame.restart();
    expect(frame.status).toBe('starting');
    expect(frame.node.querySelector('iframe')).not.toBeNull();
  });

  it('is taken away when it loads again and again', () => {
    for (let count = 0; count < 4; count++) {
      expect(frame.status).not.toBe('reload');
      post(inner, READY);
    }
    expect(frame.status).toBe('reload');
  });

  it('says when what runs in it does not answer, and when it does again', async () => {
    vi.useFakeTimers();
    frame.restart();
    const port = begin();
    vi.advanceTimersByTime(9000);
    expect(frame.status).toBe('waiting');
    vi.useRealTimers();
    port.postMessage({ type: 'pong', n: 0 });
    await vi.waitFor(() => expect(frame.status).toBe('ready'));
    port.close();
  });
});
