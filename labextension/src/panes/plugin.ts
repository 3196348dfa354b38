import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandToolbarButton } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IView } from '../context';
import { peersIcon } from '../icon';
import { Section } from '../section';
import { CommandIDs, DOMAIN, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { OfferedPanes } from './offered';
import { OwnPanes, SetGrant } from './mine';
import { addStopping } from './stopping';
import { paneRendererFactory } from './mime';
import { PaneSites } from './sites';
import { PaneTabs } from './tabs';
import { openWindow, takeTicket } from './window';

/** Panes: the lists of those shared, and live views in tabs and in notebooks. */
export const panesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:panes',
  description: 'Live panes of peers, in tabs and in notebooks.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [
    IPeersPanel,
    ICommandPalette,
    ILayoutRestorer,
    IRenderMimeRegistry,
    ITranslator,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    { control, model }: IPeerSession,
    panel: IPeersPanel | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    rendermime: IRenderMimeRegistry | null,
    translator: ITranslator | null,
    registry: ISettingRegistry | null
  ): void => {
    const { commands, serviceManager } = app;
    const language = translator ?? nullTranslator;
    const trans = language.load(DOMAIN);
    const { serverSettings: settings } = serviceManager;
    const context = {
      commands,
      control,
      settings,
      translator: language,
      nameOf: (nodeId: string) => model.nameOf(nodeId),
      bondWith: (nodeId: string) => model.bondWith(nodeId),
      sites: new PaneSites(registry)
    };
    const tabs = new PaneTabs(app, context, model, trans);
    commands.addCommand(CommandIDs.openPane, {
      label: args =>
        args.name
          ? trans.__('Open the Pane %1', String(args.name))
          : trans.__('Open a Peer’s Pane…'),
      caption: trans.__('Show a pane that a peer shares with you in a tab, live'),
      icon: peersIcon,
      execute: async ({ peer, name }) => {
        if (typeof peer === 'string' && typeof name === 'string') {
          return tabs.open(peer, name);
        }
        const pane = await tabs.choose();
        return pane ? tabs.open(pane.peer.node_id, pane.name) : undefined;
      }
    });
    commands.addCommand(CommandIDs.popOut, {
      label: trans.__('Open in a Window of Its Own'),
      execute: ({ peer, name }) => {
        if (typeof peer === 'string' && typeof name === 'string') {
          openWindow(settings.baseUrl, { peer, name });
        }
      }
    });
    const view: IView = { commands, model, trans };
    addStopping(view, control);
    for (const command of [CommandIDs.openPane, CommandIDs.unshareAll]) {
      palette?.addItem({ command, category: trans.__('Peers') });
    }
    if (restorer) {
      tabs.restore(restorer);
    }
    const asked = takeTicket(window.location.href);
    if (asked) {
      void app.restored.then(() => tabs.open(asked.peer, asked.name));
    }
    rendermime?.addFactory(paneRendererFactory(context));
    if (!panel) {
      return;
    }
    const setGrant: SetGrant = (name, peer, grant) =>
      control.request('grant', { name, peer, grant });
    const mine = new Section(trans.__('Shared by me'), view, () =>
      React.createElement(OwnPanes, { setGrant })
    );
    const stopAll = new CommandToolbarButton({ commands, id: CommandIDs.unshareAll, label: '' });
    mine.toolbar.addItem('stop-all', stopAll);
    commands.addCommand(CommandIDs.shared, {
      label: trans.__('Show What I Share with Peers'),
      execute: () => panel.reveal(mine)
    });
    palette?.addItem({ command: CommandIDs.shared, category: trans.__('Peers') });
    const offered = new Section(trans.__('Shared with me'), view, () =>
      React.createElement(OfferedPanes, { openPane: (peer, name) => tabs.open(peer, name) })
    );
    panel.addSection(mine, RANKS.mine);
    panel.addSection(offered, RANKS.offered);
    const update = () => {
      mine.count = model.state.panes.mine.length;
      offered.count = model.state.panes.offered.length;
      commands.notifyCommandChanged(CommandIDs.unshareAll);
    };
    model.stateChanged.connect(update);
    update();
  }
};
