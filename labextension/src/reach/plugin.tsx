import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { IView } from '../context';
import { Section } from '../section';
import { CommandIDs, DOMAIN, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { ReachModel } from './model';
import { ReachView } from './view';

/** A switch in the panel for the reach of this node. */
export const reachPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:reach',
  description: 'Who can reach this node: a switch that needs no restart.',
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
    if (!panel) {
      return;
    }
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    const reach = new ReachModel(control);
    const section = new Section(trans.__('Who can reach me'), view, () => (
      <ReachView reach={reach} />
    ));
    panel.addSection(section, RANKS.reach);
    commands.addCommand(CommandIDs.reach, {
      label: trans.__('Choose Which Peers Can Reach Me'),
      caption: trans.__('This computer, this network, anywhere by a relay, or through routers'),
      isEnabled: () => model.state.live,
      execute: () => {
        panel.reveal(section);
        section.node.querySelector<HTMLElement>('input:checked')?.focus();
      }
    });
    palette?.addItem({ command: CommandIDs.reach, category: trans.__('Peers') });
  }
};
