import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { IView } from '../context';
import { openConversation } from '../conversation';
import { displayName } from '../model';
import { Section } from '../section';
import { CommandIDs, DOMAIN, IPeerChats, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { ChatModel, IChats } from './model';
import { canChat, ChatView } from './view';

/** Conversations with peers, one at a time in a section of the panel. */
export const chatPlugin: JupyterFrontEndPlugin<IChats> = {
  id: 'jupyter-peer:chat',
  description: 'Conversations with peers.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeersPanel, ITranslator],
  provides: IPeerChats,
  activate: (
    { commands, shell }: JupyterFrontEnd,
    { control, model }: IPeerSession,
    panel: IPeersPanel | null,
    translator: ITranslator | null
  ): IChats => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    const chat = new ChatModel(control);
    let nodeId: string | null = null;
    let section: Section | null = null;
    let reveal = () => {};
    chat.isWatched = id =>
      id === nodeId &&
      section !== null &&
      section.isVisible &&
      document.visibilityState !== 'hidden';

    const close = () => {
      section?.dispose();
      section = null;
      nodeId = null;
    };
    const draw = (visible: boolean) => {
      const peer = model.peer(nodeId);
      return peer ? <ChatView chat={chat} peer={peer} visible={visible} /> : <></>;
    };
    const open = (id: string, name: string): Section => {
      const opened = new Section(trans.__('Chat with %1', name), view, draw);
      reveal = openConversation(opened, {
        shell,
        panel,
        trans,
        rank: RANKS.chat,
        id: `jupyter-peer-chat:${id}`,
        type: 'Peer Chat',
        close
      });
      return opened;
    };
    model.stateChanged.connect(() => {
      if (nodeId !== null && model.state.live && !model.peer(nodeId)) {
        close();
      }
      section?.redraw();
    });
    commands.addCommand(CommandIDs.chat, {
      label: trans.__('Chat'),
      isVisible: args => {
        const peer = model.peer(args.peer);
        const unread = (peer && chat.unread[peer.node_id]) ?? 0;
        return peer !== undefined && peer.status !== 'blocked' && (unread > 0 || canChat(peer));
      },
      execute: args => {
        const peer = model.peer(args.peer);
        if (peer && (nodeId !== peer.node_id || section?.isDisposed)) {
          close();
          nodeId = peer.node_id;
          section = open(peer.node_id, displayName(peer));
        }
        if (section) {
          reveal();
        }
      }
    });
    return chat;
  }
};
