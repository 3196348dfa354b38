import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { checkIcon, linkIcon, refreshIcon, shareIcon } from '@jupyterlab/ui-components';
import { peersIcon } from './icon';
import { PeersModel } from './model';
import { FormName, PeersSidebar } from './sidebar';
import { PaneTabs } from './panetabs';
import { CommandIDs } from './tokens';

/** Add every command, all of them in one category of the palette. */
export function addCommands(
  app: JupyterFrontEnd,
  sidebar: PeersSidebar,
  model: PeersModel,
  tabs: PaneTabs,
  trans: TranslationBundle,
  palette: ICommandPalette | null
): void {
  const { commands, shell } = app;
  const openForm = (form: FormName) => {
    shell.activateById(sidebar.id);
    sidebar.openForm(form);
  };
  commands.addCommand(CommandIDs.open, {
    label: trans.__('Show Peers'),
    caption: trans.__('Show who this node is, its peers and the panes shared'),
    icon: peersIcon,
    execute: () => shell.activateById(sidebar.id)
  });
  commands.addCommand(CommandIDs.invite, {
    label: trans.__('Invite Someone…'),
    caption: trans.__('Create an invite that one person can redeem once'),
    icon: shareIcon,
    execute: () => openForm('invite')
  });
  commands.addCommand(CommandIDs.pair, {
    label: trans.__('Pair with an Invite…'),
    caption: trans.__('Redeem an invite that someone sent you'),
    icon: linkIcon,
    execute: () => openForm('pair')
  });
  commands.addCommand(CommandIDs.doctor, {
    label: trans.__('Check This Node'),
    caption: trans.__('Show what works for peers, what does not, why, and what to do'),
    icon: checkIcon,
    execute: () => openForm('doctor')
  });
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Peers'),
    caption: trans.__('Read peers and panes again'),
    icon: refreshIcon,
    execute: () => model.refresh()
  });
  commands.addCommand(CommandIDs.openPane, {
    label: args =>
      args.name ? trans.__('Open the Pane %1', String(args.name)) : trans.__('Open a Pane…'),
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
  const category = trans.__('Peers');
  for (const command of Object.values(CommandIDs)) {
    palette?.addItem({ command, category });
  }
}
