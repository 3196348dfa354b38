import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { addCommands } from './commands';
import { tellOfChats } from './chatnotices';
import { PeersModel } from './model';
import { DEFAULT_SETTINGS, IPanelSettings, PeersSidebar } from './sidebar';
import { IPeers } from './tokens';

const PLUGIN_ID = 'jupyter-peer:plugin';

const plugin: JupyterFrontEndPlugin<IPeers> = {
  id: PLUGIN_ID,
  description: 'The panel of peers, and what other extensions may know of them.',
  autoStart: true,
  provides: IPeers,
  optional: [ICommandPalette, ILayoutRestorer, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): IPeers => {
    const language = translator ?? nullTranslator;
    const model = new PeersModel(app.serviceManager.serverSettings);
    const sidebar = new PeersSidebar(model, language);
    app.shell.add(sidebar, 'left', { rank: 610, type: 'Peers' });
    restorer?.add(sidebar, sidebar.id);
    addCommands(app, sidebar, model, language.load('jupyter_peer'), palette);
    tellOfChats(
      model,
      language.load('jupyter_peer'),
      nodeId => sidebar.isChatWith(nodeId),
      nodeId => {
        app.shell.activateById(sidebar.id);
        sidebar.openForm('chat', nodeId);
      }
    );
    if (registry) {
      void follow(registry, settings => {
        sidebar.settings = settings;
      });
    }
    return model;
  }
};

/** Apply the settings now and at each change; without them the defaults stay. */
async function follow(
  registry: ISettingRegistry,
  apply: (settings: IPanelSettings) => void
): Promise<void> {
  try {
    const settings = await registry.load(PLUGIN_ID);
    const read = () =>
      apply({ ...DEFAULT_SETTINGS, ...(settings.composite as Partial<IPanelSettings>) });
    settings.changed.connect(read);
    read();
  } catch (reason) {
    console.error('jupyter-peer: the settings could not be read', reason);
  }
}

export * from './tokens';
export default plugin;
