import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { NAMESPACE } from './requests';
import { Part, ToFrame } from './viewerprotocol';

/** What needs the code meanwhile waits in the frame. */
const TIMEOUT_MS = 30_000;

/** The page of a frame on the viewer's own server. */
export function viewerUrl(settings: ServerConnection.ISettings): string {
  return URLExt.join(settings.baseUrl, NAMESPACE, 'viewer', '/');
}

/** Hands a frame code of the viewer's own server that it cannot load itself, each part once. */
export class FrameParts {
  constructor(
    private readonly _settings: ServerConnection.ISettings,
    private readonly _tell: (message: ToFrame) => void
  ) {}

  /** The frame begins anew, and has nothing. */
  reset(): void {
    this._gave.clear();
  }

  /** Give the frame a part that it asks for. */
  async give(part: Part): Promise<void> {
    if (this._gave.has(part)) {
      return;
    }
    this._gave.add(part);
    const url = URLExt.join(viewerUrl(this._settings), `${part}.js`);
    let code: string | null = null;
    try {
      const init = { signal: AbortSignal.timeout(TIMEOUT_MS) };
      const response = await ServerConnection.makeRequest(url, init, this._settings);
      code = response.ok ? await response.text() : null;
    } catch {
      // The frame says that it shows the plain text; its next start asks again.
    }
    this._tell({ type: 'part', part, code });
  }

  private readonly _gave = new Set<Part>();
}
