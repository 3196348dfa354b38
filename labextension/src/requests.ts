import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { badStatus, OWN } from './ownfailures';
import { IFailure, IPhrase } from './shapes';

/** Everything of the server extension lives below this path. */
export const NAMESPACE = 'jupyter-peer';

/** A failure that the server extension, or the way to it, reported. */
export class PeerError extends Error implements IFailure {
  readonly code: string;
  readonly hint: string;
  readonly message_phrase: IPhrase | null;
  readonly hint_phrase: IPhrase | null;

  constructor(failure: Partial<IFailure>) {
    super(failure.message || 'something failed');
    this.name = 'PeerError';
    this.code = failure.code || 'error';
    this.hint = failure.hint || '';
    this.message_phrase = failure.message_phrase ?? null;
    this.hint_phrase = failure.hint_phrase ?? null;
  }

  /** Turn whatever was thrown into a `PeerError`. */
  static from(reason: unknown): PeerError {
    if (reason instanceof PeerError) {
      return reason;
    }
    return new PeerError({ message: reason instanceof Error ? reason.message : String(reason) });
  }
}

/**
 * Call a REST end point of the server extension.
 *
 * @param path - Relative to `jupyter-peer/api/`.
 * @throws PeerError, also when the server cannot be reached or does not have the extension.
 */
export async function requestAPI<T>(
  path: string,
  settings: ServerConnection.ISettings,
  init: RequestInit = {}
): Promise<T> {
  const url = URLExt.join(settings.baseUrl, NAMESPACE, 'api', path);
  let response: Response;
  try {
    response = await ServerConnection.makeRequest(url, init, settings);
  } catch {
    throw new PeerError(OWN.noServer);
  }
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  if (!response.ok) {
    throw refused(response.status, body);
  }
  return body as T;
}

function refused(status: number, body: unknown): PeerError {
  const failure = body as Partial<IFailure> | null;
  if (failure && typeof failure.code === 'string') {
    return new PeerError(failure);
  }
  if (status === 404) {
    return new PeerError(OWN.noExtension);
  }
  if (status === 401 || status === 403) {
    return new PeerError(OWN.noLogin);
  }
  return new PeerError(badStatus(status));
}
