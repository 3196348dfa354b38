import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { ISignal } from '@lumino/signaling';
import * as React from 'react';
import { IPeersState, PeersModel } from './model';
import { afterPress } from './press';
import { PeerError } from './requests';

/** Services that every view of the extension needs. */
export interface IView {
  model: PeersModel;
  trans: TranslationBundle;
  commands: CommandRegistry;
}

export const ViewContext = React.createContext<IView | null>(null);

export function useView(): IView {
  const view = React.useContext(ViewContext);
  if (!view) {
    throw new Error('a view of peers was rendered outside of its context');
  }
  return view;
}

/** A value that an object announces by a signal, rendered again at every change, but never under a press. */
export function useFollowed<T>(signal: ISignal<unknown, unknown>, read: () => T): T {
  const subscribe = React.useCallback(
    (changed: () => void) => {
      const follow = () => afterPress(changed);
      signal.connect(follow);
      return () => {
        signal.disconnect(follow);
      };
    },
    [signal]
  );
  return React.useSyncExternalStore(subscribe, read);
}

/** The state of this node's model. */
export function usePeersState(): IPeersState {
  const { model } = useView();
  return useFollowed(model.stateChanged, () => model.state);
}

/** Now in epoch seconds, for relative times: rendered again by itself. */
export function useNow(everySeconds = 20): number {
  const [, tick] = React.useState(0);
  React.useEffect(() => {
    const timer = window.setInterval(() => tick(count => count + 1), everySeconds * 1000);
    return () => window.clearInterval(timer);
  }, [everySeconds]);
  return Date.now() / 1000;
}

/**
 * An operation that a person starts: one at a time, and its failure stays until the next.
 *
 * What starts it is `aria-disabled` while it is `busy`: what is `disabled` loses the focus, and the next key
 * would go to the notebook.
 */
export interface IAction {
  busy: boolean;
  error: PeerError | null;
  /** Starts it, unless one is under way. */
  run: (work: () => Promise<unknown>) => void;
}

export function useAction(): IAction {
  const [busy, setBusy] = React.useState(false);
  const [error, setError] = React.useState<PeerError | null>(null);
  const alive = React.useRef(true);
  const running = React.useRef(false);
  React.useEffect(() => {
    alive.current = true;
    return () => {
      alive.current = false;
    };
  }, []);
  const run = React.useCallback((work: () => Promise<unknown>) => {
    if (running.current) {
      return;
    }
    running.current = true;
    setBusy(true);
    setError(null);
    work()
      .catch(reason => alive.current && setError(PeerError.from(reason)))
      .finally(() => {
        running.current = false;
        return alive.current && setBusy(false);
      });
  }, []);
  return { busy, error, run };
}
