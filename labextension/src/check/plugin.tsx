import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { checkIcon, CommandToolbarButton } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IView } from '../context';
import { addDocument, showDocument } from '../documents';
import { displayName } from '../model';
import { createRefreshed } from '../refreshed';
import { View } from '../section';
import { CommandIDs, DOMAIN, IPeerSession, IPeersPanel } from '../tokens';
import { ConnectionCheck } from './model';
import { CheckView } from './view';

/** The connection check, in a tab of its own: of this node, or of the paths to a peer. */
export const checkPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:check',
  description: 'The connection check: what works, what does not, why, and what to do.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeersPanel, ICommandPalette, ITranslator],
  activate: (
    { commands, shell }: JupyterFrontEnd,
    { control, model }: IPeerSession,
    panel: IPeersPanel | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    const open = new Map<string, { tab: MainAreaWidget; check: ConnectionCheck }>();

    const create = (peer: string | null, id: string) => {
      const check = new ConnectionCheck(control, peer);
      const known = model.peer(peer);
      const tab = createRefreshed({
        content: new View(view, () => <CheckView check={check} />),
        id,
        icon: checkIcon,
        label: known
          ? trans.__('Connection check: %1', displayName(known))
          : trans.__('Connection check'),
        action: trans.__('Check again'),
        refresh: () => check.run(),
        canRefresh: () => model.state.live && !check.state.busy,
        signals: [model.stateChanged, check.changed]
      });
      tab.disposed.connect(() => open.delete(id));
      open.set(id, { tab, check });
      addDocument(shell, tab, 'Connection Check');
      return { tab, check };
    };

    commands.addCommand(CommandIDs.doctor, {
      label: args => (args.peer ? trans.__('Connection Check') : trans.__('Peer Connection Check')),
      caption: trans.__('Connection check: show what works for peers, what does not, and why'),
      icon: args => (args.peer ? undefined : checkIcon),
      isEnabled: () => model.state.live,
      execute: ({ peer }) => {
        const nodeId = typeof peer === 'string' ? peer : null;
        const id = `jupyter-peer-check:${nodeId ?? ''}`;
        const { tab, check } = open.get(id) ?? create(nodeId, id);
        showDocument(shell, tab);
        void check.run();
      }
    });
    palette?.addItem({ command: CommandIDs.doctor, category: trans.__('Peers') });
    panel?.toolbar.addItem(
      'check',
      new CommandToolbarButton({ commands, id: CommandIDs.doctor, label: '' })
    );
  }
};
