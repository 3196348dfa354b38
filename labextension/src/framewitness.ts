import { IFrameReport, readReport, WitnessRequest } from './viewerprotocol';

/** A press counts as the reason of a focus that comes this long after it. */
const PRESS_MS = 500;

/**
 * Asks the outer page of a pane whether a person has pressed or typed in the frame.
 *
 * The page of JupyterLab sees no event of a frame of another origin. The outer page sees none
 * either, but the browser tells it when a pointer is pressed in the frame below.
 */
export class FrameWitness {
  constructor(
    private readonly _frame: HTMLIFrameElement,
    private readonly _onPressed: () => void = () => undefined
  ) {}

  /** Whether a pointer was pressed in the frame a moment ago. */
  get isPressed(): boolean {
    return performance.now() - this._pressedAt < PRESS_MS;
  }

  /** When the last press began, as far as it was reported, by the clock of this page. */
  get pressBeganAt(): number {
    return this._beganAt;
  }

  /** Read a message of the outer page. */
  take(data: unknown): void {
    const report = readReport(data);
    if (!report) {
      return;
    }
    if (report.press) {
      this._notePress(report.id === 0);
      this._onPressed();
      [...this._onPress].forEach(settle => settle(true));
    }
    this._asked.get(report.id)?.(report);
    this._asked.delete(report.id);
  }

  /**
   * Take a report of a press, which may be one that is still held.
   *
   * A browser that reports presses by itself does so once for each, perhaps after an answer has told of it.
   */
  private _notePress(isBySelf: boolean): void {
    if (!this.isPressed || (isBySelf && this._hasBegunBySelf)) {
      this._beganAt = performance.now();
      this._hasBegunBySelf = isBySelf;
    }
    this._hasBegunBySelf ||= isBySelf;
    this._pressedAt = performance.now();
  }

  /** Return a report made now; null where none comes in time. */
  ask(timeoutMs: number): Promise<IFrameReport | null> {
    const id = ++this._lastId;
    return new Promise(resolve => {
      this._asked.set(id, resolve);
      window.setTimeout(() => {
        this._asked.delete(id);
        resolve(null);
      }, timeoutMs);
      this._send({ id });
    });
  }

  /** Wait for a press that is on its way; false where none is reported in time. */
  press(timeoutMs: number): Promise<boolean> {
    if (this.isPressed) {
      return Promise.resolve(true);
    }
    return new Promise(resolve => {
      const settle = (isPressed: boolean): void => {
        window.clearTimeout(timer);
        this._onPress.delete(settle);
        resolve(isPressed);
      };
      const timer = window.setTimeout(() => settle(false), timeoutMs);
      this._onPress.add(settle);
    });
  }

  /** Put the focus into the content, where it was in there. */
  focus(): void {
    this._frame.focus({ preventScroll: true });
    this._send({ focus: true });
  }

  private _send(request: WitnessRequest): void {
    // The outer page has an opaque origin, which cannot be named.
    this._frame.contentWindow?.postMessage(request, '*');
  }

  private readonly _asked = new Map<number, (report: IFrameReport) => void>();
  private readonly _onPress = new Set<(isPressed: boolean) => void>();
  private _lastId = 0;
  private _pressedAt = -Infinity;
  private _beganAt = -Infinity;
  private _hasBegunBySelf = false;
}
