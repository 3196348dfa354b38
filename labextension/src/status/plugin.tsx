import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ReactWidget } from '@jupyterlab/apputils';
import { IStatusBar, TextItem } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator, TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import * as React from 'react';
import { IPeersState, PeersModel } from '../model';
import { CommandIDs, DOMAIN, IPeerSession } from '../tokens';

/** What other people see of this node, in the status bar: a click opens the panel. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:status',
  description: 'Peers connected and panes shared, in the status bar.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IStatusBar, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { model }: IPeerSession,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const open = () =>
      void (commands.hasCommand(CommandIDs.open) && commands.execute(CommandIDs.open));
    const changed = new Signal<unknown, void>(model);
    model.stateChanged.connect(() => changed.emit());
    const item = new StatusItem(model, trans, open);
    bar?.registerStatusItem(statusPlugin.id, {
      item,
      align: 'right',
      rank: 20,
      isActive: () => statusWords(model.state, trans) !== '',
      activeStateChanged: changed
    });
  }
};

class StatusItem extends ReactWidget {
  constructor(
    private readonly _model: PeersModel,
    private readonly _trans: TranslationBundle,
    private readonly _open: () => void
  ) {
    super();
    this.addClass('jp-mod-highlighted');
    _model.stateChanged.connect(() => this.update());
  }

  override render(): React.ReactElement {
    const words = statusWords(this._model.state, this._trans);
    return (
      <TextItem
        role="button"
        tabIndex={0}
        title={this._trans.__('Show peers')}
        source={words}
        onClick={this._open}
        onKeyDown={event => ['Enter', ' '].includes(event.key) && this._open()}
      />
    );
  }
}

/** How many peers are connected, and what is shared; empty while nothing is. */
export function statusWords(state: IPeersState, trans: TranslationBundle): string {
  const connected = state.peers.filter(peer => peer.status === 'connected').length;
  const { mine } = state.panes;
  const watching = new Set(mine.flatMap(pane => pane.viewers.map(viewer => viewer.node_id))).size;
  const parts = [
    connected ? trans._n('%1 peer', '%1 peers', connected) : '',
    mine.length ? trans._n('%1 pane shared', '%1 panes shared', mine.length) : '',
    watching ? trans.__('%1 watching', watching) : ''
  ];
  return parts.filter(Boolean).join(' · ');
}
