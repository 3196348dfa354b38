import { Token } from '@lumino/coreutils';
import { ISignal } from '@lumino/signaling';
import { IPeersState } from './model';

/** What other extensions may know: this node, its peers and its panes, live. */
export interface IPeers {
  readonly state: IPeersState;
  readonly stateChanged: ISignal<IPeers, IPeersState>;
}

export const IPeers = new Token<IPeers>(
  'jupyter-peer:IPeers',
  'The peers of this Jupyter: who this node is, who is connected by which path, and the panes shared.'
);

/** The commands of the extension. */
export namespace CommandIDs {
  export const open = 'jupyter-peer:open';
  export const invite = 'jupyter-peer:invite';
  export const pair = 'jupyter-peer:pair';
  export const doctor = 'jupyter-peer:doctor';
  export const refresh = 'jupyter-peer:refresh';
  export const openPane = 'jupyter-peer:open-pane';
}

export const PANEL_ID = 'jupyter-peer-sidebar';
