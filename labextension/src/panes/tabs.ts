import { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, showDialog, WidgetTracker } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { addDocument, showDocument } from '../documents';
import { displayName, PeersModel } from '../model';
import { ChoiceField, runForm } from '../panel/dialog';
import { IViewContext, PaneView } from '../paneview';
import { IOfferedPane } from '../shapes';
import { CommandIDs } from '../tokens';
import { documentId, PaneDocument } from './document';
import { addTools } from './toolbar';

/** The panes that are open in tabs of the main area: one tab a pane, opened again with the layout. */
export class PaneTabs {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _context: IViewContext,
    private readonly _model: PeersModel,
    private readonly _trans: TranslationBundle
  ) {
    _model.stateChanged.connect(() => this._tracker.forEach(each => each.relabel()));
  }

  restore(restorer: ILayoutRestorer): void {
    void restorer.restore(this._tracker, {
      command: CommandIDs.openPane,
      args: ({ content }) => ({ peer: content.peer, name: content.name }),
      name: ({ content }) => `${content.peer}/${content.name}`
    });
  }

  /** Show a pane in a tab, the one it has if it is open. */
  open(peer: string, name: string): PaneDocument {
    const id = documentId(peer, name);
    let pane = this._tracker.find(each => each.id === id);
    if (!pane) {
      const { commands, shell } = this._app;
      pane = new PaneDocument(new PaneView(this._context, peer, name, 'tab'));
      addTools(pane, commands, this._context.settings.baseUrl, this._trans);
      addDocument(shell, pane, 'Peer Pane');
      void this._tracker.add(pane);
      this._noteOpen();
      pane.disposed.connect(() => this._noteOpen());
    } else {
      pane.content.openAgain();
    }
    showDocument(this._app.shell, pane);
    return pane;
  }

  /** Ask which of the offered panes it shall be. */
  async choose(): Promise<IOfferedPane | null> {
    const panes = this._model.state.panes.offered;
    const trans = this._trans;
    const title = trans.__('Open a pane');
    if (panes.length === 0) {
      const body = trans.__('No peer shares a pane with you at the moment.');
      await showDialog({ title, body, buttons: [Dialog.okButton({ label: trans.__('Close') })] });
      return null;
    }
    return runForm({
      trans,
      title,
      action: trans.__('Open'),
      fields: React.createElement(ChoiceField, {
        label: trans.__('Shared with you'),
        name: 'place',
        choices: panes.map(({ name, peer }, place): [string, string] => [
          String(place),
          `${displayName(peer)}/${name}`
        ])
      }),
      task: async ({ place }) => panes[Number(place)]
    });
  }

  private _noteOpen(): void {
    const open: string[] = [];
    this._tracker.forEach(({ content, isDisposed }) => {
      if (!isDisposed) {
        open.push(`${content.peer}/${content.name}`);
      }
    });
    this._model.setOpen(open);
  }

  private readonly _tracker = new WidgetTracker<PaneDocument>({ namespace: 'jupyter-peer-panes' });
}
