import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ReactWidget } from '@jupyterlab/apputils';
import { IStatusBar, TextItem } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator, TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import * as React from 'react';
import { AgentSwitch } from '../agents/switch';
import { IPeersState, PeersModel } from '../model';
import { watchersOf } from '../panes/audience';
import { IOwnPane } from '../shapes';
import { CommandIDs, DOMAIN, IPeerAgents, IPeerSession } from '../tokens';

/** The status bar shows what this node shares with other people; a click opens the panel. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:status',
  description: 'Peers connected and panes shared, in the status bar.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeerAgents, IStatusBar, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { model }: IPeerSession,
    agents: AgentSwitch | null,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const open = () => {
      const command = [CommandIDs.shared, CommandIDs.open].find(id => commands.hasCommand(id));
      void (command && commands.execute(command));
    };
    const words = () => statusWords(model.state, agents?.agents?.on ?? false, trans);
    const changed = new Signal<PeersModel, void>(model);
    model.stateChanged.connect(() => changed.emit());
    agents?.changed.connect(() => changed.emit());
    const item = new StatusItem(words, trans.__('Show what I share with peers'), open);
    changed.connect(() => item.update());
    bar?.registerStatusItem(statusPlugin.id, {
      item,
      align: 'right',
      rank: 20,
      isActive: () => words() !== '',
      activeStateChanged: changed
    });
  }
};

class StatusItem extends ReactWidget {
  constructor(
    private readonly _words: () => string,
    private readonly _title: string,
    private readonly _open: () => void
  ) {
    super();
    this.addClass('jp-mod-highlighted');
  }

  override render(): React.ReactElement {
    return (
      <TextItem
        role="button"
        tabIndex={0}
        title={this._title}
        source={this._words()}
        onClick={this._open}
        onKeyDown={event => ['Enter', ' '].includes(event.key) && this._open()}
      />
    );
  }
}

/** The visible state of this node: shared panes, their viewers, and whether peers may ask its agent. */
export function statusWords(
  state: IPeersState,
  isAgentOn: boolean,
  trans: TranslationBundle
): string {
  const connected = state.peers.filter(peer => peer.status === 'connected').length;
  const live = state.panes.mine.filter(pane => pane.status === 'live');
  const parts = [
    live.length ? trans.__('%1 shared', live.length) : '',
    watchingWords(live, state, trans),
    isAgentOn ? trans.__('agent on') : ''
  ].filter(Boolean);
  if (parts.length === 0 && connected) {
    parts.push(trans._n('%1 peer', '%1 peers', connected));
  }
  return parts.join(' · ');
}

function watchingWords(panes: IOwnPane[], state: IPeersState, trans: TranslationBundle): string {
  const watchers = panes.flatMap(pane => watchersOf(pane, state, trans));
  const names = [...new Map(watchers.map(({ id, name }) => [id, name])).values()];
  switch (names.length) {
    case 0:
      return '';
    case 1:
      return trans.__('%1 is watching', names[0]);
    case 2:
      return trans.__('%1 and %2 are watching', names[0], names[1]);
    default:
      return trans.__('%1 people are watching', names.length);
  }
}
