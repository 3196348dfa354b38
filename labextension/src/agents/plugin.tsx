import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { IView } from '../context';
import { Section } from '../section';
import { DEFAULT_SETTINGS, followSettings } from '../settings';
import { CommandIDs, DOMAIN, IPeerAgents, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { approvalDialogs } from './approvals';
import { NotebookGuide } from './guide';
import { ApprovalsModel } from './model';
import { notifyOfApprovals } from './notice';
import { AgentSwitch } from './switch';
import { AgentsView } from './view';

/**
 * Whether peers may ask the agents of this node, and the question before one uses a tool that changes something.
 *
 * Without this plugin the server knows of no page in which it could ask, and refuses such calls.
 */
export const agentsPlugin: JupyterFrontEndPlugin<AgentSwitch> = {
  id: 'jupyter-peer:agents',
  description: 'Lets peers ask agents, and asks before one uses a tool that changes something.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeersPanel, ICommandPalette, ISettingRegistry, ITranslator, INotebookTracker],
  provides: IPeerAgents,
  activate: (
    { commands }: JupyterFrontEnd,
    { control, model }: IPeerSession,
    panel: IPeersPanel | null,
    palette: ICommandPalette | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null,
    tracker: INotebookTracker | null
  ): AgentSwitch => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    let settings = DEFAULT_SETTINGS;
    void followSettings(registry, now => {
      settings = now;
    });
    const approvals = new ApprovalsModel(control);
    const look = approvalDialogs(approvals, trans);
    notifyOfApprovals(approvals, trans, look, () => settings.notifyApproval);
    const agents = new AgentSwitch(control);
    if (panel) {
      const view: IView = { commands, model, trans };
      const guide = tracker && new NotebookGuide(tracker, agents, trans);
      const section = new Section(trans.__('My agent'), view, () => (
        <AgentsView agents={agents} approvals={approvals} guide={guide} look={look} />
      ));
      approvals.arrived.connect(() => panel.markNews());
      approvals.changed.connect((_, { length }) => {
        section.count = length;
      });
      panel.addSection(section, RANKS.agents);
      commands.addCommand(CommandIDs.showAgents, {
        label: trans.__('Show My Agent for Peers'),
        execute: () => panel.reveal(section)
      });
      palette?.addItem({ command: CommandIDs.showAgents, category: trans.__('Peers') });
    }
    return agents;
  }
};
