import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { IChats } from '../chat/model';
import { CommandIDs, DOMAIN, IPeerChats } from '../tokens';
import { notifyOfChats } from './chatnotices';

/** Notifications of what happened while nobody looked. */
export const noticesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:notices',
  description: 'Notifications of lines that peers wrote.',
  autoStart: true,
  optional: [IPeerChats, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    chats: IChats | null,
    translator: ITranslator | null
  ): void => {
    if (chats) {
      const trans = (translator ?? nullTranslator).load(DOMAIN);
      notifyOfChats(chats, trans, peer => void commands.execute(CommandIDs.chat, { peer }));
    }
  }
};
