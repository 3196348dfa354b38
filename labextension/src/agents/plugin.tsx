import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { IView } from '../context';
import { Section } from '../section';
import { CommandIDs, DOMAIN, IPeerAgents, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { askForApprovals } from './approvals';
import { ApprovalsModel } from './model';
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
  optional: [IPeersPanel, ITranslator],
  provides: IPeerAgents,
  activate: (
    { commands }: JupyterFrontEnd,
    { control, model }: IPeerSession,
    panel: IPeersPanel | null,
    translator: ITranslator | null
  ): AgentSwitch => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    askForApprovals(new ApprovalsModel(control), trans);
    const agents = new AgentSwitch(control);
    if (panel) {
      const view: IView = { commands, model, trans };
      const section = new Section(trans.__('My agent'), view, () => <AgentsView agents={agents} />);
      panel.addSection(section, RANKS.agents);
      commands.addCommand(CommandIDs.showAgents, {
        label: trans.__('Show My Agent for Peers'),
        execute: () => panel.reveal(section)
      });
    }
    return agents;
  }
};
