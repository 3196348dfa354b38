import { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { AccordionPanel, Widget } from '@lumino/widgets';
import { peersIcon } from '../icon';
import { PeersModel } from '../model';
import { afterPress } from '../press';
import { DOMAIN, IPeersPanel, PANEL_ID } from '../tokens';

/**
 * Do what takes the focus, once the command palette has given it back to the notebook.
 *
 * It does so by a message, which comes with the next frame.
 */
function afterPalette(work: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(work));
}

/** The panel in the left side bar: this node above, and below the sections of each feature. */
export class PeersPanel extends SidePanel implements IPeersPanel {
  constructor(
    translator: ITranslator,
    private readonly _model: PeersModel,
    private readonly _activate: () => void
  ) {
    super({ translator });
    this._texts = translator.load(DOMAIN);
    const name = this._texts.__('Peers');
    this.id = PANEL_ID;
    this.addClass('jp-Peers');
    this.title.icon = peersIcon;
    this.title.caption = name;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', name);
    this.node.tabIndex = -1;
    this.node.addEventListener('focusin', ({ target }) => {
      this._focused = target as HTMLElement;
    });
    _model.stateChanged.connect(this._showContent, this);
    this._showContent();
  }

  addSection(section: Widget, rank: number): void {
    const after = this.widgets.findIndex(each => (this._ranks.get(each) ?? 0) > rank);
    this._ranks.set(section, rank);
    this.insertWidget(after < 0 ? this.widgets.length : after, section);
  }

  showSection(section: Widget, rank: number, shown: boolean): void {
    afterPress(() => {
      if (shown && !this.widgets.includes(section)) {
        this.addSection(section, rank);
      } else if (!shown && this.widgets.includes(section)) {
        section.parent = null;
      }
    });
  }

  markNews(): void {
    if (!this.isVisible) {
      this._showNews(true);
    }
  }

  reveal(section?: Widget): void {
    this._activate();
    const index = section ? this.widgets.indexOf(section) : -1;
    if (index >= 0) {
      const sections = this.content as AccordionPanel;
      sections.expand(index);
      const title = sections.titles[index];
      afterPalette(() => {
        // A section may have taken the keyboard to its field.
        if (!section?.node.contains(document.activeElement)) {
          title.focus();
        }
      });
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._showNews(false);
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    if (!this.node.contains(document.activeElement)) {
      // Back to the row from which a person went into a pane.
      (this.node.contains(this._focused) ? this._focused : this.node)?.focus();
    }
  }

  private _showNews(isNew: boolean): void {
    this.title.className = isNew ? 'jp-Peers-news' : '';
    this.title.caption = isNew
      ? this._texts.__('Peers: something is new')
      : this._texts.__('Peers');
  }

  /** The sections have nothing to show until the server has said something. */
  private _showContent(): void {
    const hidden = this._model.state.phase !== 'ready';
    this.content.setHidden(hidden);
    this.toolbar.setHidden(hidden);
  }

  private _focused: HTMLElement | null = null;
  private readonly _texts: TranslationBundle;
  private readonly _ranks = new Map<Widget, number>();
}
