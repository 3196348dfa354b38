import { ToFrame } from './viewerprotocol';

/** Modules that one frame may ask for; a pane needs a few. */
const MAX_MODULES = 32;

/**
 * Hands the frame of a pane the code of widgets that its owner has installed.
 *
 * The code runs in the frame and nowhere else.
 */
export class PaneModules {
  /**
   * @param _get - Requests the code of a module from the owner; rejects with the reason if it fails.
   * @param _tell - Sends a message to the frame.
   * @param _why - Returns such a reason in the reader's language; English by default.
   */
  constructor(
    private readonly _get: (name: string) => Promise<string>,
    private readonly _tell: (message: ToFrame) => void,
    private readonly _why = (reason: unknown): string =>
      reason instanceof Error ? reason.message : String(reason)
  ) {}

  /** The frame begins anew, and has nothing. */
  reset(): void {
    this._asked.clear();
    this._hasFailed = false;
  }

  /** Give the frame a module that it asks for. */
  async give(name: string): Promise<void> {
    if (this._asked.has(name) || this._asked.size >= MAX_MODULES) {
      return;
    }
    this._asked.add(name);
    let code: string | null = null;
    let why = '';
    try {
      code = await this._get(name);
    } catch (reason) {
      this._hasFailed = true;
      why = this._why(reason);
    }
    this._tell({ type: 'module', name, code, why });
  }

  /** Whether the code of a module did not come; the frame asks for it again when it begins anew. */
  get hasFailed(): boolean {
    return this._hasFailed;
  }

  private _hasFailed = false;
  private readonly _asked = new Set<string>();
}
