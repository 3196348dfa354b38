import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { activityPlugin } from './activity/plugin';
import { agentsPlugin } from './agents/plugin';
import { askPlugin } from './ask/plugin';
import { chatPlugin } from './chat/plugin';
import { checkPlugin } from './check/plugin';
import { ControlSocket } from './control';
import { linksPlugin } from './links/plugin';
import { PeersModel } from './model';
import { noticesPlugin } from './notices/plugin';
import { pairingPlugin } from './pairing/plugin';
import { panelPlugin } from './panel/plugin';
import { panesPlugin } from './panes/plugin';
import { peersPlugin } from './peers/plugin';
import { reachPlugin } from './reach/plugin';
import { roomsPlugin } from './rooms/plugin';
import { sharingPlugin } from './sharing/plugin';
import { statusPlugin } from './status/plugin';
import { IPeers, IPeerSession } from './tokens';

/** The plugin that all features share; the other plugins do not start without it. */
const sessionPlugin: JupyterFrontEndPlugin<IPeerSession> = {
  id: 'jupyter-peer:plugin',
  description: 'The connection of the page to jupyter-peer, and what is known of peers.',
  autoStart: true,
  provides: IPeerSession,
  activate: ({ serviceManager }: JupyterFrontEnd): IPeerSession => {
    const control = new ControlSocket(serviceManager.serverSettings);
    return { control, model: new PeersModel(serviceManager.serverSettings, control) };
  }
};

const apiPlugin: JupyterFrontEndPlugin<IPeers> = {
  id: 'jupyter-peer:api',
  description: 'What other extensions may know of peers.',
  requires: [IPeerSession],
  provides: IPeers,
  activate: (_: JupyterFrontEnd, { model }: IPeerSession): IPeers => model
};

export { IPeers } from './tokens';
export default [
  sessionPlugin,
  apiPlugin,
  panelPlugin,
  pairingPlugin,
  peersPlugin,
  chatPlugin,
  askPlugin,
  roomsPlugin,
  panesPlugin,
  sharingPlugin,
  linksPlugin,
  agentsPlugin,
  checkPlugin,
  activityPlugin,
  reachPlugin,
  noticesPlugin,
  statusPlugin
];
