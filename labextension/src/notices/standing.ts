import { Notification } from '@jupyterlab/apputils';

const SHOWN_MS = 15_000;

/** Notifications with a button, each of which goes once its reason is over. */
export class StandingNotices<T> {
  /** @param isOver - Whether what a notification tells of is over. */
  constructor(private readonly _isOver: (reason: T) => boolean) {}

  tell(reason: T, message: string, label: string, callback: () => void): void {
    const actions = [{ label, callback }];
    this._shown.set(Notification.info(message, { autoClose: SHOWN_MS, actions }), reason);
  }

  /** Look again which reasons are over. */
  readonly clear = (): void => {
    for (const [id, reason] of this._shown) {
      if (this._isOver(reason)) {
        this._shown.delete(id);
        Notification.dismiss(id);
      }
    }
  };

  private readonly _shown = new Map<string, T>();
}
