import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IView } from '../context';
import { peersIcon } from '../icon';
import { View } from '../section';
import { CommandIDs, DOMAIN, IPeerSession, IPeersPanel } from '../tokens';
import { runForm, TextField } from './dialog';
import { PanelHeader, showDetails } from './header';
import { PeersPanel } from './panel';

/** The side panel itself; what is in it comes from the plugins of the features. */
export const panelPlugin: JupyterFrontEndPlugin<IPeersPanel> = {
  id: 'jupyter-peer:panel',
  description: 'The peers panel in the left side bar.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [ICommandPalette, ILayoutRestorer, ITranslator],
  provides: IPeersPanel,
  activate: (
    app: JupyterFrontEnd,
    { model }: IPeerSession,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): IPeersPanel => {
    const { commands, shell } = app;
    const language = translator ?? nullTranslator;
    const trans = language.load(DOMAIN);
    const view: IView = { commands, model, trans };
    const panel = new PeersPanel(language, model, () => shell.activateById(panel.id));
    panel.header.addWidget(new View(view, () => React.createElement(PanelHeader)));
    shell.add(panel, 'left', { rank: 610, type: 'Peers' });
    restorer?.add(panel, panel.id);

    commands.addCommand(CommandIDs.open, {
      label: trans.__('Show Peers'),
      caption: trans.__('Show this node, its peers and the panes shared'),
      icon: peersIcon,
      execute: () => panel.reveal()
    });
    commands.addCommand(CommandIDs.refresh, {
      label: trans.__('Refresh Peers'),
      caption: trans.__('Read peers and panes again'),
      icon: refreshIcon,
      execute: () => model.refresh()
    });
    commands.addCommand(CommandIDs.rename, {
      label: trans.__('Rename this node…'),
      execute: () =>
        runForm({
          trans,
          title: trans.__('Rename this node'),
          action: trans.__('Rename'),
          fields: React.createElement(TextField, {
            label: trans.__('Name of this node'),
            name: 'name',
            required: true,
            maxLength: 64,
            defaultValue: model.state.identity?.node_name
          }),
          task: ({ name }) => model.setName(name)
        })
    });
    commands.addCommand(CommandIDs.details, {
      label: trans.__('Fingerprint and addresses…'),
      execute: () => showDetails(view)
    });
    const category = trans.__('Peers');
    for (const command of [CommandIDs.open, CommandIDs.refresh]) {
      palette?.addItem({ command, category });
    }
    return panel;
  }
};
