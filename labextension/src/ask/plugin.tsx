import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { IView } from '../context';
import { openConversation } from '../conversation';
import { displayName } from '../model';
import { ChoiceField, runForm } from '../panel/dialog';
import { Section } from '../section';
import { IPeer } from '../shapes';
import { CommandIDs, DOMAIN, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { AnswerFrame } from './frame';
import { Questions } from './model';
import { AskView } from './view';

/** Questions to the agents of peers, those of one peer at a time in a section of the panel. */
export const askPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:ask',
  description: 'Questions to the agents of peers.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeersPanel, ICommandPalette, ITranslator],
  activate: (
    { commands, serviceManager, shell }: JupyterFrontEnd,
    { control, model }: IPeerSession,
    panel: IPeersPanel | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    const makeFrame = () => new AnswerFrame(serviceManager.serverSettings, trans);
    const asked = new Map<string, Questions>();
    let opened: { nodeId: string; section: Section; reveal: () => void } | null = null;

    const close = () => opened?.section.dispose();
    const open = (peer: IPeer) => {
      const nodeId = peer.node_id;
      const questions = asked.get(nodeId) ?? new Questions(control, nodeId);
      asked.set(nodeId, questions);
      const section = new Section(trans.__('Ask %1', displayName(peer)), view, () => {
        const now = model.peer(nodeId);
        return now ? <AskView questions={questions} peer={now} makeFrame={makeFrame} /> : <></>;
      });
      section.disposed.connect(() => {
        // Nobody sees the rest of the answer.
        questions.stop();
        opened = null;
      });
      const reveal = openConversation(section, {
        shell,
        panel,
        trans,
        rank: RANKS.ask,
        id: `jupyter-peer-ask:${nodeId}`,
        type: 'Peer Questions',
        close
      });
      return { nodeId, section, reveal };
    };
    model.stateChanged.connect(() => {
      if (opened && model.state.live && !model.peer(opened.nodeId)) {
        close();
      }
      opened?.section.redraw();
    });

    const connected = () => model.state.peers.filter(({ status }) => status === 'connected');
    commands.addCommand(CommandIDs.ask, {
      label: args => (args.peer ? trans.__('Ask…') : trans.__('Ask an Agent of a Peer…')),
      isVisible: args => !args.peer || (model.peer(args.peer)?.status ?? 'blocked') !== 'blocked',
      isEnabled: args => model.state.live && (Boolean(args.peer) || connected().length > 0),
      execute: async args => {
        const peer = args.peer ? model.peer(args.peer) : await choose(connected(), view);
        if (!peer) {
          return;
        }
        if (opened?.nodeId !== peer.node_id) {
          close();
          opened = open(peer);
        }
        opened.reveal();
      }
    });
    palette?.addItem({ command: CommandIDs.ask, category: trans.__('Peers') });
  }
};

/** The only peer that there is, or the one that a person chooses. */
async function choose(peers: readonly IPeer[], { trans }: IView): Promise<IPeer | undefined> {
  if (peers.length < 2) {
    return peers[0];
  }
  const names = peers.map(displayName);
  const isUnique = new Set(names).size === names.length;
  const chosen = await runForm({
    trans,
    title: trans.__('Ask an agent'),
    action: trans.__('Choose'),
    fields: (
      <ChoiceField
        label={trans.__('Of which peer')}
        name="peer"
        choices={peers.map(({ node_id }, place): [string, string] => [
          node_id,
          isUnique ? names[place] : `${names[place]} · ${node_id}`
        ])}
      />
    ),
    task: async values => peers.find(each => each.node_id === values.peer)
  });
  return chosen ?? undefined;
}
