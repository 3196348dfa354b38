import { ReactWidget } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { Message } from '@lumino/messaging';
import { ISignal, Signal } from '@lumino/signaling';
import { PanelLayout, Widget } from '@lumino/widgets';
import * as React from 'react';
import { useNow } from './context';
import { ControlSocket } from './control';
import { PaneFeed } from './panefeed';
import { frameWords } from './framewords';
import { PaneFrame } from './paneframe';
import { paneFacts, paneLabel, paneStatus } from './panewording';
import { NAMESPACE, PeerError } from './requests';
import { Failure } from './section';
import { IPaneStep } from './shapes';
import { FromFrame, IInput, Part } from './viewerprotocol';

/** What every view of a pane needs of the page it is in. */
export interface IViewContext {
  control: ControlSocket;
  settings: ServerConnection.ISettings;
  translator: ITranslator;
}

/** In a notebook a pane takes what it needs of this much. */
const CELL_HEIGHTS = [24, 600];
/** A link is not replaced while a person may be about to press *Open*. */
const LINK_STAYS_MS = 500;
/** A browser counts a press or a key as a reason to act for so long. */
const ACTIVE_MS = 5000;
/** Links in a row that nobody opened; then the pane offers none until it is shown again. */
const MAX_LINKS = 5;
/** Inputs that wait for the owner; a widget itself has one at a time. */
const MAX_INPUTS = 32;
/** What needs the code meanwhile waits in the frame. */
const PART_TIMEOUT_MS = 30_000;

/**
 * A peer's pane, live: a line that says whose it is and how it stands, and the frame below.
 *
 * @param place - In a `tab` it fills what is there; in a `cell` it is as high as its content.
 * @param wait - Begin by itself only where a kernel of this server watches the pane already: in a
 *   notebook that was saved and opened again it waits for a click.
 */
export class PaneView extends Widget {
  constructor(
    private readonly _context: IViewContext,
    readonly peer: string,
    readonly name: string,
    place: 'tab' | 'cell',
    wait = false
  ) {
    super();
    this.addClass('jp-PeerPane');
    this.addClass(place === 'tab' ? 'jp-mod-tab' : 'jp-mod-cell');
    this._place = place;
    this._wait = wait;
    this._trans = _context.translator.load('jupyter_peer');
    this.feed = new PaneFeed(_context.control, peer, name);
    const url = URLExt.join(_context.settings.baseUrl, NAMESPACE, 'viewer', '/');
    this._frame = new PaneFrame(url, frameWords(this._trans), this._frameTitle());
    const layout = (this.layout = new PanelLayout());
    layout.addWidget(new PaneHeader(this, this._trans));
    layout.addWidget(this._frame);
    this._frame.readied.connect(this._onReady, this);
    this._frame.messageReceived.connect(this._onMessage, this);
    this._frame.statusChanged.connect(() => this._changed.emit());
    this.feed.stepReceived.connect(this._onStep, this);
    this.feed.stateChanged.connect(this._onState, this);
    if (place === 'cell') {
      this._frame.height = CELL_HEIGHTS[0];
    }
  }

  readonly feed: PaneFeed;

  get frame(): PaneFrame {
    return this._frame;
  }

  /** Anything that the header says has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Show it although nothing else watches it: a person asked for it. */
  open(): void {
    this._wait = false;
    this._unopened = 0;
    if (this._frame.status === 'starting' || this._frame.status === 'ready') {
      void this.feed.start();
    } else {
      this._frame.restart();
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.feed.dispose();
      // Lumino clears the signals after it has told of the end, which those who keep tabs wait for.
      super.dispose();
    }
  }

  /** A tab that is closed ends the watch; opened again it is another view. */
  protected override onCloseRequest(message: Message): void {
    super.onCloseRequest(message);
    this.dispose();
  }

  private _onReady(): void {
    // The frame is empty: it needs the whole state.
    this._gaveParts.clear();
    this._link = null;
    this._tellGrant();
    void this.feed.start(this._wait);
  }

  private _onStep(_: PaneFeed, step: IPaneStep): void {
    this._wait = false;
    this._frame.showStep(step);
  }

  private _onState(): void {
    this._frame.label = this._frameTitle();
    if (this._mayInteract !== this._toldGrant) {
      this._tellGrant();
    }
    this._frame.setHidden(this.feed.state.phase === 'idle' && this._wait);
    this._changed.emit();
  }

  private _onMessage(_: PaneFrame, message: FromFrame): void {
    switch (message.type) {
      case 'shown':
        this.feed.acknowledge(message.rev);
        break;
      case 'height':
        if (this._place === 'cell') {
          const [least, most] = CELL_HEIGHTS;
          this._frame.height = Math.min(most, Math.max(least, Math.ceil(message.px)));
        }
        break;
      case 'need':
        void this._givePart(message.part);
        break;
      case 'input':
        void this._onInput(message.id, message.message);
        break;
      case 'link':
        void this._offerLink(message.url);
        break;
    }
  }

  /** Hand the frame code that it cannot load itself. */
  private async _givePart(part: Part): Promise<void> {
    if (this._gaveParts.has(part)) {
      return;
    }
    this._gaveParts.add(part);
    const { settings } = this._context;
    const url = URLExt.join(settings.baseUrl, NAMESPACE, 'viewer', `${part}.js`);
    let code: string | null = null;
    try {
      const init = { signal: AbortSignal.timeout(PART_TIMEOUT_MS) };
      const response = await ServerConnection.makeRequest(url, init, settings);
      code = response.ok ? await response.text() : null;
    } catch {
      // The frame says that it shows the plain text; its next start asks again.
    }
    this._frame.tell({ type: 'part', part, code });
  }

  /** Pass on what a person does with a widget, as far as the grant goes; the owner checks it again. */
  private async _onInput(id: string, message: IInput): Promise<void> {
    let error: string | null = null;
    if (!this._mayInteract) {
      error = this._trans.__('you can only view this pane');
    } else if (!(await this._frame.isUsed())) {
      // A script or a model that moves by itself. Nobody did anything, so nobody is told.
      error = '';
    } else if (this._inputs >= MAX_INPUTS) {
      error = this._trans.__('too much at once');
    } else {
      this._inputs += 1;
      try {
        await this.feed.input(id, message);
      } catch (reason) {
        error = PeerError.from(reason).message;
      } finally {
        this._inputs -= 1;
      }
    }
    this._frame.tell({ type: 'answered', id, error });
  }

  private get _mayInteract(): boolean {
    return this.feed.state.info?.grant === 'interact';
  }

  private _tellGrant(): void {
    this._toldGrant = this._mayInteract;
    this._frame.tell({ type: 'grant', interact: this._toldGrant });
  }

  /** Offer a link of the peer's in the header, where a person reads its host before opening it. */
  private async _offerLink(address: string): Promise<void> {
    // A script may ask too, and again and again: a person has just pressed or typed in the frame.
    if (this._unopened >= MAX_LINKS || !(await this._frame.isUsed(true))) {
      return;
    }
    // A press is good for one link. Keys are not reported, but an older one does not count for so long.
    const isOver = performance.now() - this._linkAt > ACTIVE_MS;
    if (!isOver && !(await this._frame.isPressedSince(this._linkAt))) {
      return;
    }
    const now = performance.now();
    if (this._link && now - this._linkAt < LINK_STAYS_MS) {
      return;
    }
    const url = new URL(address);
    // A user name before the host is there to be taken for the host.
    url.username = url.password = '';
    this._link = url;
    this._linkAt = now;
    this._unopened += 1;
    this._changed.emit();
  }

  /** The link that a person has clicked in the pane and not yet opened. */
  get link(): URL | null {
    return this._link;
  }

  openLink(): void {
    if (this._link) {
      window.open(this._link, '_blank', 'noopener,noreferrer');
      this._unopened = 0;
      this.dismissLink();
    }
  }

  dismissLink(): void {
    this._link = null;
    this._changed.emit();
  }

  get label(): string {
    return paneLabel(this.feed.state, this.peer, this.name);
  }

  private _frameTitle(): string {
    return this._trans.__('The pane %1, drawn apart from this page', this.label);
  }

  private readonly _place: 'tab' | 'cell';
  private readonly _trans: TranslationBundle;
  private readonly _frame: PaneFrame;
  private readonly _changed = new Signal<this, void>(this);
  private _wait: boolean;
  private readonly _gaveParts = new Set<Part>();
  private _toldGrant = false;
  private _inputs = 0;
  private _link: URL | null = null;
  private _linkAt = -Infinity;
  private _unopened = 0;
}

/** Whose pane it is and how it stands, with what can be done about it. */
class PaneHeader extends ReactWidget {
  constructor(
    private readonly _view: PaneView,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-PeerPane-header');
    // A stop before each frame: a Tab from pane to pane would look like a pane that takes the focus.
    this.node.tabIndex = 0;
    this.node.setAttribute('role', 'group');
    _view.changed.connect(() => this.update());
  }

  override render(): React.ReactElement {
    const { feed, frame, label } = this._view;
    this.node.setAttribute('aria-label', this._trans.__('The pane %1', label));
    return <Header view={this._view} state={feed.state} frame={frame} trans={this._trans} />;
  }
}

interface IHeaderProps {
  view: PaneView;
  state: PaneFeed['state'];
  frame: PaneFrame;
  trans: TranslationBundle;
}

function Header({ view, state, frame, trans }: IHeaderProps): React.ReactElement {
  const now = useNow(5);
  const { info, phase } = state;
  const title = info?.title && info.title !== view.name ? info.title : '';
  const status = paneStatus(state, now, trans);
  return (
    <>
      <div className="jp-PeerPane-line">
        <strong className="jp-PeerPane-name">{view.label}</strong>
        {title && <span className="jp-PeerPane-title">{title}</span>}
        {phase !== 'idle' && (
          <>
            <span className="jp-PeerPane-status" data-status={status.key}>
              <span className="jp-PeerPane-dot" aria-hidden="true" />
              {status.words}
            </span>
            <span className="jp-PeerPane-facts">{paneFacts(state, now, trans).join(' · ')}</span>
          </>
        )}
        {phase === 'idle' && (
          <>
            <span className="jp-PeerPane-facts">
              {trans.__('A pane of a peer. Its owner sees when you watch it.')}
            </span>
            <Action label={trans.__('Show it')} run={() => view.open()} />
          </>
        )}
        {phase === 'failed' && <Action label={trans.__('Try again')} run={() => view.open()} />}
      </div>
      {phase === 'failed' && <Failure error={state.error} />}
      {view.link && <LinkOffer view={view} link={view.link} trans={trans} />}
      <FrameNotice view={view} frame={frame} trans={trans} />
      <span className="jp-sr-only" role="status">
        {phase === 'idle' ? '' : `${view.label}: ${status.words}`}
      </span>
    </>
  );
}

/** A link that was clicked in the pane: its host apart from the rest, and what can be done with it. */
function LinkOffer(props: {
  view: PaneView;
  link: URL;
  trans: TranslationBundle;
}): React.ReactElement {
  const { view, link, trans } = props;
  return (
    <div className="jp-PeerPane-notice jp-PeerPane-link" role="alert">
      <span>{trans.__('A link in this pane leads to')}</span>
      <strong className="jp-PeerPane-host">{link.host}</strong>
      <code className="jp-PeerPane-url">{`${link.protocol}//…${link.pathname}${link.search}${link.hash}`}</code>
      <Action label={trans.__('Open')} run={() => view.openLink()} />
      <Action label={trans.__('Do not open')} run={() => view.dismissLink()} />
    </div>
  );
}

/** Tells why the frame is gone or silent, if it is. */
function FrameNotice(props: {
  view: PaneView;
  frame: PaneFrame;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { view, frame, trans } = props;
  if (frame.status === 'starting' || frame.status === 'ready') {
    return null;
  }
  const words = {
    waiting: trans.__('What runs in this pane does not answer.'),
    flood: trans.__('This pane was stopped: a script in it sent too much.'),
    reload: trans.__('This pane was stopped: a script in it made it load again and again.'),
    focus: trans.__(
      'This pane was stopped: a script in it took the keyboard while you were not using the pane.'
    ),
    history: trans.__(
      'This pane was stopped: a script in it, or in another pane, filled the history of this tab.'
    ),
    person: trans.__('This pane was stopped.')
  }[frame.status];
  return (
    <div className="jp-PeerPane-notice" role="alert">
      <span>{words}</span>
      {frame.status === 'waiting' ? (
        <Action label={trans.__('Stop it')} run={() => frame.stop('person')} />
      ) : (
        <Action label={trans.__('Show it again')} run={() => view.open()} />
      )}
    </div>
  );
}

function Action({ label, run }: { label: string; run: () => void }): React.ReactElement {
  return (
    <button type="button" className="jp-Peers-button jp-PeerPane-action" onClick={run}>
      {label}
    </button>
  );
}
