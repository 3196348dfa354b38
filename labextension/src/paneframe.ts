import { Message } from '@lumino/messaging';
import { ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { FrameHost, FrameStatus, StopReason } from './framehost';
import { IPaneStep } from './shapes';
import { themeIsLight, themeVariables } from './theme';
import { FromFrame, ToFrame, Words } from './viewerprotocol';

/** The frame in which a peer's outputs are drawn, as a widget of JupyterLab. */
export class PaneFrame extends Widget {
  constructor(url: string, words: Words, title: string) {
    super();
    this.addClass('jp-PeerPane-frame');
    this._host = new FrameHost(this.node, url, words, title, {
      onReady: () => this._readied.emit(),
      onMessage: message => this._messageReceived.emit(message),
      onStatus: status => this._statusChanged.emit(status),
      onPress: () => this._pressed.emit(),
      isVisible: () => this.isVisible,
      theme: () => ({ light: themeIsLight(), variables: themeVariables() })
    });
    this._observer = new MutationObserver(() => this._host.tellTheme());
  }

  /** The frame is there, empty, and shows the steps it is given: after each start a whole state. */
  get readied(): ISignal<this, void> {
    return this._readied;
  }

  get messageReceived(): ISignal<this, FromFrame> {
    return this._messageReceived;
  }

  get statusChanged(): ISignal<this, FrameStatus> {
    return this._statusChanged;
  }

  /** A person has pressed a pointer in the frame. */
  get pressed(): ISignal<this, void> {
    return this._pressed;
  }

  get status(): FrameStatus {
    return this._host.status;
  }

  /** The page in the frame, from its next start on. */
  set url(url: string) {
    this._host.url = url;
  }

  set label(title: string) {
    this._host.label = title;
  }

  /** The height of the frame in pixels; null fills what is there. */
  set height(px: number | null) {
    this._host.height = px;
  }

  /** Show a step; while nobody can see the frame it waits, and is not acknowledged. */
  showStep(step: IPaneStep): void {
    this._host.showStep(step);
  }

  /** Whether steps wait, not acknowledged, although somebody could see them. */
  get isPaused(): boolean {
    return this._host.isPaused;
  }

  set isPaused(isPaused: boolean) {
    this._host.isPaused = isPaused;
  }

  /** Tell the frame something besides steps. */
  tell(message: ToFrame): void {
    this._host.tell(message);
  }

  /** Take the frame away, with every script in it. */
  stop(reason: StopReason): void {
    this._host.stop(reason);
  }

  /**
   * Whether a person uses the frame: by a press or a key in it, not by a focus that it took.
   *
   * @param now - Within the last seconds, not only since it was loaded.
   */
  isUsed(now = false): Promise<boolean> {
    return this._host.isUsed(now);
  }

  /** Whether a pointer was pressed in the frame since a time; waits for a report on its way. */
  isPressedSince(time: number): Promise<boolean> {
    return this._host.isPressedSince(time);
  }

  /** Take the frame away without a reason that a person has to read. */
  clear(): void {
    this._host.clear();
  }

  /** Begin anew, after it was stopped. */
  restart(): void {
    this._host.clear();
    if (this.isAttached) {
      this._host.restart();
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._host.end();
      Signal.clearData(this);
      super.dispose();
    }
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._observer.observe(document.body, {
      attributes: true,
      attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light']
    });
    this._host.start();
  }

  protected override onBeforeDetach(message: Message): void {
    this._host.end();
    this._observer.disconnect();
    super.onBeforeDetach(message);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._host.flush();
  }

  private readonly _host: FrameHost;
  private readonly _observer: MutationObserver;
  private readonly _readied = new Signal<this, void>(this);
  private readonly _messageReceived = new Signal<this, FromFrame>(this);
  private readonly _pressed = new Signal<this, void>(this);
  private readonly _statusChanged = new Signal<this, FrameStatus>(this);
}
