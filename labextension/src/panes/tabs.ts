import { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, WidgetTracker } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { peersIcon } from '../icon';
import { displayName, PeersModel } from '../model';
import { IViewContext, PaneView } from '../paneview';
import { IOfferedPane } from '../shapes';
import { CommandIDs } from '../tokens';

/** The panes that are open in tabs of the main area: one tab a pane, opened again with the layout. */
export class PaneTabs {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _context: IViewContext,
    private readonly _model: PeersModel,
    private readonly _trans: TranslationBundle
  ) {}

  restore(restorer: ILayoutRestorer): void {
    void restorer.restore(this._tracker, {
      command: CommandIDs.openPane,
      args: ({ peer, name }) => ({ peer, name }),
      name: ({ peer, name }) => `${peer}/${name}`
    });
  }

  /** Show a pane in a tab, the one it has if it is open. */
  open(peer: string, name: string): PaneView {
    const id = `jupyter-peer-pane:${peer}/${name}`;
    let view = this._tracker.find(each => each.id === id);
    if (!view) {
      view = new PaneView(this._context, peer, name, 'tab');
      view.id = id;
      view.title.icon = peersIcon;
      view.title.closable = true;
      this._label(view);
      view.feed.stateChanged.connect(() => this._label(view!));
      this._app.shell.add(view, 'main', { type: 'Peer Pane' });
      void this._tracker.add(view);
    }
    this._app.shell.activateById(id);
    return view;
  }

  /** Ask which of the offered panes it shall be. */
  async choose(): Promise<IOfferedPane | null> {
    const panes = this._model.state.panes.offered;
    const title = this._trans.__('Open a pane');
    if (panes.length === 0) {
      const label = this._trans.__('No peer shares a pane with you at the moment.');
      await InputDialog.getItem({ title, label, items: [] });
      return null;
    }
    const items = panes.map(pane => `${displayName(pane.peer)}/${pane.name}`);
    const label = this._trans.__('Shared with you');
    const { value, button } = await InputDialog.getItem({ title, label, items });
    return button.accept && value ? (panes[items.indexOf(value)] ?? null) : null;
  }

  private _label(view: PaneView): void {
    const { info } = view.feed.state;
    view.title.label = view.label;
    view.title.caption = info?.title && info.title !== view.name ? info.title : view.label;
  }

  private readonly _tracker = new WidgetTracker<PaneView>({ namespace: 'jupyter-peer-panes' });
}
