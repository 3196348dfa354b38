import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandToolbarButton, linkIcon, shareIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IView } from '../context';
import { Section } from '../section';
import { DEFAULT_SETTINGS, followSettings } from '../settings';
import { CommandIDs, DOMAIN, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { InviteList, inviteSomebody, openInvites } from './invite';
import { PairingModel } from './model';
import { notifyOfPairing } from './notice';
import { pairWithInvite } from './pair';

/** Invites: create, redeem and revoke them. */
export const pairingPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:pairing',
  description: 'Pairing with peers by invites.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeersPanel, ICommandPalette, ISettingRegistry, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { control, model }: IPeerSession,
    panel: IPeersPanel | null,
    palette: ICommandPalette | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    const pairing = new PairingModel(control);
    let settings = DEFAULT_SETTINGS;
    void followSettings(registry, now => {
      settings = now;
    });
    notifyOfPairing(view, pairing, () => settings.notifyPaired);
    commands.addCommand(CommandIDs.invite, {
      label: trans.__('Invite a Peer…'),
      caption: trans.__('Create an invite that one person can redeem once'),
      icon: shareIcon,
      isEnabled: () => model.state.live,
      execute: () => inviteSomebody(view, pairing, settings.inviteLifetime)
    });
    commands.addCommand(CommandIDs.pair, {
      label: trans.__('Pair with a Peer…'),
      caption: trans.__('Redeem an invite that somebody sent you'),
      icon: linkIcon,
      isEnabled: () => model.state.live,
      execute: () => pairWithInvite(view, pairing)
    });
    const category = trans.__('Peers');
    for (const command of [CommandIDs.invite, CommandIDs.pair]) {
      palette?.addItem({ command, category });
    }
    if (!panel) {
      return;
    }
    const button = (id: string, label: string) => new CommandToolbarButton({ commands, id, label });
    panel.toolbar.addItem('invite', button(CommandIDs.invite, trans.__('Invite')));
    panel.toolbar.addItem('pair', button(CommandIDs.pair, trans.__('Pair')));
    model.stateChanged.connect(() => {
      [CommandIDs.invite, CommandIDs.pair].forEach(id => commands.notifyCommandChanged(id));
    });
    const section = new Section(trans.__('Open invites'), view, () => (
      <InviteList pairing={pairing} />
    ));
    const update = () => {
      const { length } = openInvites(pairing.invites, Date.now() / 1000);
      section.count = length;
      panel.showSection(section, RANKS.invites, length > 0);
    };
    pairing.changed.connect(update);
    update();
  }
};
