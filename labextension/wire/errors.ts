/** Why a link cannot go on; `code` is one of those in `jupyter_peer/errors.py`. */
export class WireError extends Error {
  constructor(
    readonly code: string,
    message: string = code
  ) {
    super(message);
    this.name = 'WireError';
  }
}
