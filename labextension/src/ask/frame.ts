import { ServerConnection } from '@jupyterlab/services';
import { TranslationBundle } from '@jupyterlab/translation';
import { FrameParts, viewerUrl } from '../frameparts';
import { frameWords } from '../framewords';
import { PaneFrame } from '../paneframe';
import { IAnswerDisplay } from '../shapes';
import { FromFrame } from '../viewerprotocol';

/** What is displayed is as high as it is, up to this; more scrolls. In pixels. */
const HEIGHTS = [24, 480];
const EPOCH = 'answer';

/**
 * What an agent displays in an answer, drawn apart from the page as a pane is.
 *
 * It loads nothing from the network, follows no links and has no widgets: an answer has no kernel.
 */
export class AnswerFrame extends PaneFrame {
  constructor(
    settings: ServerConnection.ISettings,
    private readonly _trans: TranslationBundle
  ) {
    super(
      viewerUrl(settings),
      frameWords(_trans),
      _trans.__('Part of an answer, drawn apart from this page')
    );
    this.addClass('jp-Peers-answerFrame');
    this.height = HEIGHTS[0];
    this._parts = new FrameParts(settings, message => this.tell(message));
    this.readied.connect(this._onReady, this);
    this.messageReceived.connect((_, message) => this._onMessage(message));
    this.statusChanged.connect((_, status) => {
      if (status === 'waiting') {
        this.stop('person');
      } else if (status !== 'starting' && status !== 'ready') {
        this.node.textContent = this._trans.__(
          'This part of the answer was stopped: a script in it kept this page from working.'
        );
      }
    });
  }

  /** Show what was displayed so far. */
  set displays(displays: readonly IAnswerDisplay[]) {
    this._displays = displays;
    if (this.status === 'ready') {
      this._draw();
    }
  }

  private _onReady(): void {
    this._parts.reset();
    this._draw();
  }

  private _draw(): void {
    this._rev += 1;
    const outputs = this._displays.map(each => ({ output_type: 'display_data', ...each }));
    this.showStep({ epoch: EPOCH, rev: this._rev, outputs });
  }

  private _onMessage(message: FromFrame): void {
    switch (message.type) {
      case 'height': {
        const [least, most] = HEIGHTS;
        this.height = Math.min(most, Math.max(least, Math.ceil(message.px)));
        break;
      }
      case 'need':
        void this._parts.give(message.part);
        break;
      case 'module': {
        const why = this._trans.__('an answer has no widgets');
        this.tell({ type: 'module', name: message.name, code: null, why });
        break;
      }
      case 'input':
        this.tell({ type: 'answered', id: message.id, error: '' });
        break;
    }
  }

  private readonly _parts: FrameParts;
  private _displays: readonly IAnswerDisplay[] = [];
  private _rev = 0;
}
