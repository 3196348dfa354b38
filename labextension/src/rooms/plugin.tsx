import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { addIcon, CommandToolbarButton, linkIcon, searchIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IView } from '../context';
import { orShowFailure } from '../panel/dialog';
import { Section } from '../section';
import { CommandIDs, DOMAIN, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { createRoom, joinRoom } from './forms';
import { RoomsModel } from './model';
import { IRoomsView, RoomsView } from './view';

/** The rooms of a lobby, while the node has one. */
export const roomsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:rooms',
  description: 'The rooms of a lobby, in which peers meet.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeersPanel, ICommandPalette, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { control, model }: IPeerSession,
    panel: IPeersPanel | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    const rooms = new RoomsModel(control);
    const shown: IRoomsView = { token: null, around: null };
    const section = new Section(trans.__('Rooms'), view, () => (
      <RoomsView rooms={rooms} view={shown} />
    ));
    const hasLobby = () => Boolean(rooms.lobby?.url);
    const isReady = () => hasLobby() && model.state.live;

    commands.addCommand(CommandIDs.joinRoom, {
      label: trans.__('Join a Room of Peers…'),
      icon: linkIcon,
      isVisible: hasLobby,
      isEnabled: isReady,
      execute: () => joinRoom(rooms, trans)
    });
    commands.addCommand(CommandIDs.createRoom, {
      label: trans.__('Create a Room of Peers…'),
      icon: addIcon,
      isVisible: hasLobby,
      isEnabled: isReady,
      execute: () =>
        createRoom(rooms, trans, (room, token) => {
          shown.token = { room, token };
          section.redraw();
          panel?.reveal(section);
        })
    });
    const category = trans.__('Peers');
    for (const command of [CommandIDs.joinRoom, CommandIDs.createRoom]) {
      palette?.addItem({ command, category });
    }
    if (!panel) {
      return;
    }
    commands.addCommand(CommandIDs.lookAround, {
      label: trans.__('Look around at the lobby'),
      icon: searchIcon,
      isToggleable: true,
      isToggled: () => shown.around !== null,
      isEnabled: isReady,
      execute: async () => {
        await orShowFailure(trans.__('The lobby could not be read'), trans, async () => {
          shown.around = shown.around ? null : await rooms.around();
        });
        commands.notifyCommandChanged(CommandIDs.lookAround);
        section.redraw();
        panel.reveal(section);
      }
    });
    const ids = [CommandIDs.joinRoom, CommandIDs.createRoom, CommandIDs.lookAround];
    for (const id of ids) {
      section.toolbar.addItem(id, new CommandToolbarButton({ commands, id, label: '' }));
    }
    const update = () => {
      section.count = rooms.lobby?.rooms.length ?? 0;
      panel.showSection(section, RANKS.rooms, hasLobby());
      // A button of a toolbar listens to its own command only.
      ids.forEach(id => commands.notifyCommandChanged(id));
    };
    rooms.changed.connect(update);
    update();
  }
};
