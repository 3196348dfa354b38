import { FocusGuard } from './focusguard';
import { FrameWitness } from './framewitness';
import { HistoryGuard } from './historyguard';
import { IPaneStep } from './shapes';
import { Allowance, FromFrame, PORT, READY, readFromFrame, ToFrame, Words } from './viewerprotocol';

/** Why a frame was taken away. */
export type StopReason = 'flood' | 'reload' | 'focus' | 'history' | 'person';

/** Status of a frame; `waiting` means that it has not answered for a while. */
export type FrameStatus = 'starting' | 'ready' | 'waiting' | StopReason;

/** The theme of the page around, for a frame that inherits none. */
export interface ITheme {
  light: boolean;
  variables: Record<string, string>;
}

/** The page around the frame. */
export interface IFrameSurroundings {
  /** The frame is there, empty, and shows the steps it is given: after each start a whole state. */
  onReady: () => void;
  onMessage: (message: FromFrame) => void;
  onStatus: (status: FrameStatus) => void;
  /** A person has pressed a pointer in the frame. */
  onPress?: () => void;
  /** Whether a person can see the frame, apart from the page being hidden. */
  isVisible: () => boolean;
  theme: () => ITheme;
}

const PING_EVERY_MS = 2000;
/** A press is reported with the next picture, which a busy machine draws late; a link is followed before that. */
const PRESS_REPORT_MS = 1000;
const WAITING_AFTER_MS = 6000;
/** A script in the frame may make it load again; once is a mishap. */
const MAX_RELOADS = 3;

/**
 * The frame in which a peer's outputs are drawn, and the only way to and from it.
 *
 * The iframe is sandboxed to an origin of its own and holds a second one with the content: the
 * outer page's policy lets nothing be framed that has an address, so the content cannot even
 * navigate itself away. What comes from it is bounded in kind, size and rate. JupyterLab and the
 * page of guest links both draw panes in it.
 */
export class FrameHost {
  constructor(
    private readonly _node: HTMLElement,
    /** The page in the frame, from its next start on. */
    public url: string,
    private readonly _words: Words,
    title: string,
    private readonly _around: IFrameSurroundings
  ) {
    this._iframe.setAttribute('sandbox', 'allow-scripts');
    this._iframe.setAttribute('referrerpolicy', 'no-referrer');
    this._iframe.setAttribute('allow', '');
    this._iframe.title = title;
  }

  get status(): FrameStatus {
    return this._status;
  }

  set label(title: string) {
    this._iframe.title = title;
  }

  /** The height of the frame in pixels; null fills what is there. */
  set height(px: number | null) {
    this._iframe.style.height = px === null ? '' : `${px}px`;
  }

  /** Show a step; while nobody can see the frame it waits, and is not acknowledged. */
  showStep(step: IPaneStep): void {
    if (step.outputs) {
      this._held = [];
    }
    this._held.push(step);
    this.flush();
  }

  /** Whether steps wait, not acknowledged, although somebody could see them. */
  get isPaused(): boolean {
    return this._isPaused;
  }

  set isPaused(isPaused: boolean) {
    this._isPaused = isPaused;
    this.flush();
  }

  /** Tell the frame something besides steps. */
  tell(message: ToFrame): void {
    this._port?.postMessage(message);
  }

  tellTheme(): void {
    this.tell({ type: 'theme', ...this._around.theme() });
  }

  /** Show the steps that wait, if a person can see them now. */
  readonly flush = (): void => {
    if (this._port && this._isSeen && !this._isPaused) {
      this._held.splice(0).forEach(step => this.tell({ type: 'step', step }));
    }
  };

  /** Put the frame into its node. */
  start(): void {
    window.addEventListener('message', this._onWindowMessage);
    document.addEventListener('visibilitychange', this.flush);
    this._load();
  }

  /** Let go of the frame, which leaves the document. */
  end(): void {
    this._drop();
    window.removeEventListener('message', this._onWindowMessage);
    document.removeEventListener('visibilitychange', this.flush);
  }

  /** Take the frame away, with every script in it. */
  stop(reason: StopReason): void {
    this.clear();
    this._setStatus(reason);
  }

  /** Take the frame away without a reason that a person has to read. */
  clear(): void {
    this._drop();
    this._iframe.remove();
  }

  /**
   * Whether a person uses the frame: by a press or a key in it, not by a focus that it took.
   *
   * @param now - Within the last seconds, not only since it was loaded.
   */
  async isUsed(now = false): Promise<boolean> {
    return (await this._guard?.isUsed(now)) ?? false;
  }

  /** Whether a pointer was pressed in the frame since a time; waits for a report on its way. */
  async isPressedSince(time: number): Promise<boolean> {
    const witness = this._witness;
    if (witness && witness.pressBeganAt <= time) {
      await witness.press(PRESS_REPORT_MS);
    }
    return witness !== null && witness.pressBeganAt > time;
  }

  /** Begin anew, after it was taken away. */
  restart(): void {
    this.clear();
    this._load();
  }

  private _load(): void {
    this._reloads = 0;
    this._allowance = new Allowance();
    this._setStatus('starting');
    // Put in anew, since one that moves in the document loads again by itself, and twice then.
    this._iframe.remove();
    this._iframe.src = this.url;
    this._node.appendChild(this._iframe);
    this._guard?.dispose();
    this._historyGuard?.dispose();
    this._historyGuard = new HistoryGuard(() => this.stop('history'));
    this._witness = new FrameWitness(this._iframe, () => this._around.onPress?.());
    const guard = new FocusGuard(this._iframe, this._witness, () => {
      this.stop('focus');
      guard.giveBack();
    });
    this._guard = guard;
  }

  /** Let go of what is in the frame, which is about to go or to begin anew. */
  private _drop(): void {
    window.clearInterval(this._pinging);
    this._guard?.dispose();
    this._guard = null;
    this._historyGuard?.dispose();
    if (this._port) {
      this._port.onmessage = null;
      this._port.close();
      this._port = null;
    }
    this._held = [];
  }

  private _onWindowMessage = (event: MessageEvent): void => {
    const outer = this._iframe.contentWindow;
    if (!outer || (event.source !== outer && event.source !== contentOf(outer))) {
      return;
    }
    if (event.source === outer) {
      this._witness?.take(event.data);
      return;
    }
    if (!this._admit()) {
      return;
    }
    if (event.data === READY && event.origin === 'null') {
      this._connect(event.source as Window);
    }
  };

  private _connect(content: Window): void {
    if (++this._reloads > MAX_RELOADS) {
      this.stop('reload');
      return;
    }
    this._port?.close();
    this._held = [];
    const { port1, port2 } = new MessageChannel();
    this._port = port1;
    port1.onmessage = event => this._onPortMessage(event.data);
    // Its origin has no name, so nobody but the window itself can be meant.
    content.postMessage({ type: PORT, words: this._words }, '*', [port2]);
    this.tellTheme();
    this._answeredAt = performance.now();
    window.clearInterval(this._pinging);
    this._pinging = window.setInterval(() => this._ping(), PING_EVERY_MS);
    this._setStatus('ready');
    this._around.onReady();
  }

  private _onPortMessage(data: unknown): void {
    if (!this._admit()) {
      return;
    }
    const message = readFromFrame(data);
    if (!message) {
      return;
    }
    if (message.type === 'pong') {
      this._answeredAt = performance.now();
      if (this._status === 'waiting') {
        this._setStatus('ready');
      }
      return;
    }
    this._around.onMessage(message);
  }

  private _admit(): boolean {
    const admitted = this._allowance.take();
    if (this._allowance.isFlooded) {
      this.stop('flood');
    }
    return admitted;
  }

  private get _isSeen(): boolean {
    return this._around.isVisible() && document.visibilityState !== 'hidden';
  }

  private _ping(): void {
    // A frame that nobody sees may be asleep.
    if (!this._isSeen) {
      this._answeredAt = performance.now();
      return;
    }
    this.tell({ type: 'ping', n: 0 });
    if (performance.now() - this._answeredAt > WAITING_AFTER_MS && this._status === 'ready') {
      this._setStatus('waiting');
    }
  }

  private _setStatus(status: FrameStatus): void {
    this._status = status;
    this._around.onStatus(status);
  }

  private readonly _iframe = document.createElement('iframe');
  private _status: FrameStatus = 'starting';
  private _isPaused = false;
  private _allowance = new Allowance();
  private _guard: FocusGuard | null = null;
  private _historyGuard: HistoryGuard | null = null;
  private _witness: FrameWitness | null = null;
  private _port: MessagePort | null = null;
  private _held: IPaneStep[] = [];
  private _pinging = 0;
  private _answeredAt = 0;
  private _reloads = 0;
}

/** The frame inside the frame; only that it is there can be seen from here. */
function contentOf(outer: Window): Window | null {
  return outer.length > 0 ? outer[0] : null;
}
