import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { addCommands } from './commands';
import { askForApprovals } from './approvals';
import { tellOfChats } from './chatnotices';
import { ControlSocket } from './control';
import { PeersModel } from './model';
import { paneRendererFactory } from './panemime';
import { PaneTabs } from './panetabs';
import { DEFAULT_SETTINGS, IPanelSettings, PeersSidebar } from './sidebar';
import { IPeers } from './tokens';

const PLUGIN_ID = 'jupyter-peer:plugin';

const plugin: JupyterFrontEndPlugin<IPeers> = {
  id: PLUGIN_ID,
  description: 'The panel of peers, and what other extensions may know of them.',
  autoStart: true,
  provides: IPeers,
  optional: [ICommandPalette, ILayoutRestorer, ISettingRegistry, ITranslator, IRenderMimeRegistry],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null,
    rendermime: IRenderMimeRegistry | null
  ): IPeers => {
    const language = translator ?? nullTranslator;
    const trans = language.load('jupyter_peer');
    const settings = app.serviceManager.serverSettings;
    const control = new ControlSocket(settings);
    const model = new PeersModel(settings, control);
    const view = { control, settings, translator: language };
    const tabs = new PaneTabs(app, view, model, trans);
    const openPane = (peer: string, name: string) => void tabs.open(peer, name);
    const sidebar = new PeersSidebar(model, language, openPane);
    app.shell.add(sidebar, 'left', { rank: 610, type: 'Peers' });
    restorer?.add(sidebar, sidebar.id);
    addCommands(app, sidebar, model, tabs, trans, palette);
    tellOfChats(
      model,
      trans,
      nodeId => sidebar.isChatWith(nodeId),
      nodeId => {
        app.shell.activateById(sidebar.id);
        sidebar.openForm('chat', nodeId);
      }
    );
    if (restorer) {
      tabs.restore(restorer);
    }
    rendermime?.addFactory(paneRendererFactory(view));
    askForApprovals(model, language.load('jupyter_peer'));
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
