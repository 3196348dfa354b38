import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { IChats } from '../chat/model';
import { IView } from '../context';
import { Section } from '../section';
import { DEFAULT_SETTINGS, followSettings } from '../settings';
import { CommandIDs, DOMAIN, IPeerChats, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { addPeerCommands } from './commands';
import { PeerList } from './list';
import { nearby, NearbyList } from './nearby';

/** The list of peers, the nodes found nearby, and the commands for each peer. */
export const peersPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:peers',
  description: 'The list of peers in the peers panel, with the commands for each peer.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeersPanel, IPeerChats, ICommandPalette, ISettingRegistry, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { model }: IPeerSession,
    panel: IPeersPanel | null,
    chats: IChats | null,
    palette: ICommandPalette | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    addPeerCommands(view);
    palette?.addItem({ command: CommandIDs.connectTo, category: trans.__('Peers') });
    if (!panel) {
      return;
    }
    let { showOffline } = DEFAULT_SETTINGS;
    const peers = new Section(trans.__('Peers'), view, () =>
      React.createElement(PeerList, { showOffline, chats })
    );
    void followSettings(registry, settings => {
      ({ showOffline } = settings);
      peers.redraw();
    });
    panel.addSection(peers, RANKS.peers);

    const found = new Section(trans.__('Found nearby'), view, () =>
      React.createElement(NearbyList)
    );
    const update = () => {
      peers.count = model.state.peers.length;
      found.count = nearby(model.state).length;
      panel.showSection(found, RANKS.nearby, nearby(model.state).length > 0);
    };
    model.stateChanged.connect(update);
    update();
  }
};
