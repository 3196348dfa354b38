import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandToolbarButton, listIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IView } from '../context';
import { addDocument, showDocument } from '../documents';
import { createRefreshed } from '../refreshed';
import { View } from '../section';
import { CommandIDs, DOMAIN, IPeerSession, IPeersPanel } from '../tokens';
import { ActivityLog } from './model';
import { ActivityView } from './view';

/** The audit log of this node, in a tab of its own. */
export const activityPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:activity',
  description: 'What happened between this node and its peers: the audit log.',
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
    const log = new ActivityLog(control);
    let tab: MainAreaWidget | null = null;

    const create = (): MainAreaWidget => {
      const made = createRefreshed({
        content: new View(view, () => <ActivityView log={log} />),
        id: 'jupyter-peer-activity',
        icon: listIcon,
        label: trans.__('Peer activity'),
        action: trans.__('Refresh'),
        refresh: () => log.read(),
        canRefresh: () => model.state.live,
        signals: [model.stateChanged]
      });
      made.disposed.connect(() => (tab = null));
      addDocument(shell, made, 'Peer Activity');
      return made;
    };

    commands.addCommand(CommandIDs.activity, {
      label: args => (args.peer ? trans.__('Activity') : trans.__('Peer Activity')),
      caption: trans.__('Show what happened between this node and its peers'),
      icon: args => (args.peer ? undefined : listIcon),
      isEnabled: () => model.state.live,
      execute: ({ peer }) => {
        log.choose(typeof peer === 'string' ? peer : null);
        tab = tab ?? create();
        showDocument(shell, tab);
        void log.read();
      }
    });
    palette?.addItem({ command: CommandIDs.activity, category: trans.__('Peers') });
    panel?.toolbar.addItem(
      'activity',
      new CommandToolbarButton({ commands, id: CommandIDs.activity, label: '' })
    );
  }
};
