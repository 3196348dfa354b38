import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { PanelLayout, Widget } from '@lumino/widgets';
import { IViewContext, PaneView } from '../paneview';

/** The output of `%peer open` in a notebook: it names the pane and has no content of it. */
export const PANE_MIME_TYPE = 'application/vnd.jupyter-peer.pane+json';

const NODE_ID = /^[a-z2-7]{16}$/;
const MAX_NAME = 64;

/**
 * Draws the pane that an output names.
 *
 * An output may come out of any notebook file, so it only says which pane is meant. It is shown by
 * itself where a kernel of this server is watching that very pane, as after `%peer open`; everywhere
 * else a person has to ask for it.
 */
class RenderedPane extends Widget implements IRenderMime.IRenderer {
  constructor(private readonly _context: IViewContext) {
    super();
    this.layout = new PanelLayout();
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { peer, name } = (model.data[PANE_MIME_TYPE] ?? {}) as Record<string, unknown>;
    const isPane =
      typeof peer === 'string' &&
      typeof name === 'string' &&
      NODE_ID.test(peer) &&
      name.length <= MAX_NAME;
    if (!isPane) {
      this._view?.dispose();
      this._view = null;
    } else if (this._view?.peer !== peer || this._view.name !== name) {
      this._view?.dispose();
      this._view = new PaneView(this._context, peer, name, 'cell', true);
      (this.layout as PanelLayout).addWidget(this._view);
    }
  }

  private _view: PaneView | null = null;
}

/** The renderer, for JupyterLab's registry; before HTML, which is for front ends without it. */
export function paneRendererFactory(context: IViewContext): IRenderMime.IRendererFactory {
  return {
    // It runs nothing in the page, whether or not the notebook is trusted.
    safe: true,
    mimeTypes: [PANE_MIME_TYPE],
    defaultRank: 10,
    createRenderer: () => new RenderedPane(context)
  };
}
