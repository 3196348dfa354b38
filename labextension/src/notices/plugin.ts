import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { AgentSwitch } from '../agents/switch';
import { IChats } from '../chat/model';
import { IView } from '../context';
import { DEFAULT_SETTINGS, followSettings } from '../settings';
import { CommandIDs, DOMAIN, IPeerAgents, IPeerChats, IPeerSession, IPeersPanel } from '../tokens';
import { notifyOfFailures } from './agentnotices';
import { notifyOfChats } from './chatnotices';
import { notifyOfPanes } from './panenotices';

/** Notifications of what happened while nobody looked. */
export const noticesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:notices',
  description:
    'Notifications of shared panes, viewers, lines that peers wrote and questions that failed.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeersPanel, IPeerChats, IPeerAgents, ISettingRegistry, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { model }: IPeerSession,
    panel: IPeersPanel | null,
    chats: IChats | null,
    agents: AgentSwitch | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    let settings = DEFAULT_SETTINGS;
    void followSettings(registry, now => {
      settings = now;
    });
    const markNews = () => panel?.markNews();
    notifyOfPanes(view, () => settings, markNews);
    if (agents) {
      notifyOfFailures(agents, view, () => settings.notifyFailed, markNews);
    }
    if (chats) {
      chats.lineArrived.connect(markNews);
      const open = (peer: string) => void commands.execute(CommandIDs.chat, { peer });
      notifyOfChats(chats, trans, open, () => settings.notifyChat);
    }
  }
};
