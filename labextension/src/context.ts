import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { IPeersState, PeersModel } from './model';
import { PeerError } from './requests';

/** What every part of the panel reaches for. */
export interface IPanelContext {
  model: PeersModel;
  trans: TranslationBundle;
  /** Put a text on the clipboard. */
  copy: (text: string) => void;
  /** Open the conversation with a peer. */
  chat: (nodeId: string) => void;
  /** Look at what works: of this node, or with a node id of the paths to a peer. */
  examine: (nodeId: string | null) => void;
  /** Ask before something that cannot be undone. */
  confirm: (title: string, body: string, action: string) => Promise<boolean>;
  /** Show a peer's pane in a tab. */
  openPane: (nodeId: string, name: string) => void;
}

export const PanelContext = React.createContext<IPanelContext | null>(null);

export function usePanel(): IPanelContext {
  const context = React.useContext(PanelContext);
  if (!context) {
    throw new Error('a part of the peers panel was rendered outside of it');
  }
  return context;
}

/** The model's state, rendered again at every change. */
export function usePeersState(model: PeersModel): IPeersState {
  const subscribe = React.useCallback(
    (changed: () => void) => {
      model.stateChanged.connect(changed);
      return () => {
        model.stateChanged.disconnect(changed);
      };
    },
    [model]
  );
  return React.useSyncExternalStore(subscribe, () => model.state);
}

/** Now in epoch seconds, for relative times: fresh at each rendering, and rendered again by itself. */
export function useNow(everySeconds = 20): number {
  const [, tick] = React.useState(0);
  React.useEffect(() => {
    const timer = window.setInterval(() => tick(count => count + 1), everySeconds * 1000);
    return () => window.clearInterval(timer);
  }, [everySeconds]);
  return Date.now() / 1000;
}

/** An operation that a person starts: one at a time, and its failure stays until the next. */
export interface IAction {
  busy: boolean;
  error: PeerError | null;
  run: (work: () => Promise<unknown>) => void;
}

export function useAction(): IAction {
  const [busy, setBusy] = React.useState(false);
  const [error, setError] = React.useState<PeerError | null>(null);
  const alive = React.useRef(true);
  React.useEffect(() => {
    alive.current = true;
    return () => {
      alive.current = false;
    };
  }, []);
  const run = React.useCallback((work: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    work()
      .catch(reason => alive.current && setError(PeerError.from(reason)))
      .finally(() => alive.current && setBusy(false));
  }, []);
  return { busy, error, run };
}
