import { MainAreaWidget } from '@jupyterlab/apputils';
import { peersIcon } from '../icon';
import { PaneView } from '../paneview';

/** A pane as a document of the main area: one tab, with a toolbar. */
export class PaneDocument extends MainAreaWidget<PaneView> {
  constructor(content: PaneView) {
    super({ content });
    this.addClass('jp-PeerPane-document');
    this.id = documentId(content.peer, content.name);
    this.title.icon = peersIcon;
    this.title.closable = true;
    content.changed.connect(this.relabel, this);
    this.relabel();
  }

  /** Name the tab anew, after a peer got another name. */
  relabel(): void {
    const { feed, label, name } = this.content;
    const title = feed.state.info?.title;
    this.title.label = label;
    this.title.caption = title && title !== name ? `${title} (${label})` : label;
  }
}

export function documentId(peer: string, name: string): string {
  return `jupyter-peer-pane:${peer}/${name}`;
}
