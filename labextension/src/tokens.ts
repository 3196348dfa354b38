import { Toolbar } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';
import { ISignal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { AgentSwitch } from './agents/switch';
import { IChats } from './chat/model';
import { ControlSocket } from './control';
import { IPeersState, PeersModel } from './model';

/** Live facts for other extensions: this node, its peers and its panes. */
export interface IPeers {
  readonly state: IPeersState;
  readonly stateChanged: ISignal<IPeers, IPeersState>;
}

export const IPeers = new Token<IPeers>(
  'jupyter-peer:IPeers',
  'The peers of this Jupyter: who this node is, who is connected by which path, and the panes shared.'
);

/** The shared part of all plugins: one control socket, and the model that follows it. */
export interface IPeerSession {
  readonly control: ControlSocket;
  readonly model: PeersModel;
}

export const IPeerSession = new Token<IPeerSession>(
  'jupyter-peer:IPeerSession',
  'The connection of this page to the server extension. For the plugins of jupyter-peer only.'
);

/** The side panel as a place: each feature adds its own sections and buttons. */
export interface IPeersPanel {
  /** The buttons above the sections. */
  readonly toolbar: Toolbar;
  /** Add a section, ordered by rank. */
  addSection(section: Widget, rank: number): void;
  /** Add or remove a section that is there only while it has something to show. */
  showSection(section: Widget, rank: number, shown: boolean): void;
  /** Mark the panel's tab until somebody looks: something in it is new. */
  markNews(): void;
  /** Show the panel, with this section unfolded. */
  reveal(section?: Widget): void;
}

export const IPeersPanel = new Token<IPeersPanel>(
  'jupyter-peer:IPeersPanel',
  'The peers panel in the left side bar, where features add sections. For jupyter-peer only.'
);

/** The conversations with peers. */
export const IPeerChats = new Token<IChats>(
  'jupyter-peer:IPeerChats',
  'The conversations with peers and what is unread. For the plugins of jupyter-peer only.'
);

/** Whether peers may ask the agents of this node. */
export const IPeerAgents = new Token<AgentSwitch>(
  'jupyter-peer:IPeerAgents',
  'Whether peers may ask the agents of this node. For the plugins of jupyter-peer only.'
);

/** The commands of the extension. Those that concern a peer take its node id as `peer`. */
export namespace CommandIDs {
  export const open = 'jupyter-peer:open';
  export const refresh = 'jupyter-peer:refresh';
  export const rename = 'jupyter-peer:rename';
  export const details = 'jupyter-peer:details';
  export const invite = 'jupyter-peer:invite';
  export const pair = 'jupyter-peer:pair';
  export const reach = 'jupyter-peer:reach';
  export const doctor = 'jupyter-peer:doctor';
  export const activity = 'jupyter-peer:activity';
  export const share = 'jupyter-peer:share';
  export const present = 'jupyter-peer:present';
  export const stopPresenting = 'jupyter-peer:stop-presenting';
  export const unshare = 'jupyter-peer:unshare';
  export const unshareAll = 'jupyter-peer:unshare-all';
  export const shared = 'jupyter-peer:show-shared';
  export const link = 'jupyter-peer:link';
  export const showCell = 'jupyter-peer:show-cell';
  export const popOut = 'jupyter-peer:pop-out';
  export const openPane = 'jupyter-peer:open-pane';
  export const chat = 'jupyter-peer:chat';
  export const ask = 'jupyter-peer:ask';
  export const showAgents = 'jupyter-peer:show-agents';
  export const connect = 'jupyter-peer:connect';
  export const connectTo = 'jupyter-peer:connect-to';
  export const disconnect = 'jupyter-peer:disconnect';
  export const alias = 'jupyter-peer:alias';
  export const block = 'jupyter-peer:block';
  export const unblock = 'jupyter-peer:unblock';
  export const forget = 'jupyter-peer:forget';
  export const joinRoom = 'jupyter-peer:join-room';
  export const createRoom = 'jupyter-peer:create-room';
  export const lookAround = 'jupyter-peer:look-around';
}

/** The name under which all texts of the extension are translated. */
export const DOMAIN = 'jupyter_peer';

/** The plugin whose schema has the settings of all features. */
export const SETTINGS_ID = 'jupyter-peer:plugin';

export const PANEL_ID = 'jupyter-peer-sidebar';

/** The order of the sections in the panel. */
export const RANKS = {
  peers: 10,
  chat: 15,
  ask: 16,
  invites: 20,
  nearby: 30,
  rooms: 40,
  mine: 50,
  links: 55,
  offered: 60,
  agents: 65,
  reach: 70
};
