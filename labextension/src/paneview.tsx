import { ServerConnection } from '@jupyterlab/services';
import { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { ISignal, Signal } from '@lumino/signaling';
import { PanelLayout, Widget } from '@lumino/widgets';
import { ControlSocket } from './control';
import { contextMenu } from './menu';
import { Bond } from './model';
import { OwnerPulse } from './ownerpulse';
import { PaneFeed } from './panefeed';
import { FrameParts, viewerUrl } from './frameparts';
import { frameWords } from './framewords';
import { PaneFrame } from './paneframe';
import { PaneHeader } from './paneheader';
import { PaneModules } from './panemodules';
import { IPaneConditions, isWithdrawn, paneLabel } from './panewording';
import { PANE_ACTIONS } from './panes/actions';
import { PaneSites } from './panes/sites';
import { PeerError } from './requests';
import { IPaneStep } from './shapes';
import { FromFrame, IInput } from './viewerprotocol';
import { failureText } from './wording';

/** Services of the page that every view of a pane needs. */
export interface IViewContext {
  commands: CommandRegistry;
  control: ControlSocket;
  settings: ServerConnection.ISettings;
  translator: ITranslator;
  /** The name of a peer here; its id where nothing else is known. */
  nameOf: (nodeId: string) => string;
  bondWith: (nodeId: string) => Bond;
  /** Sites from which panes may load; without them, panes load nothing. */
  sites: PaneSites | null;
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
    this._pulse = new OwnerPulse(
      _context.control,
      peer,
      () => this.isVisible && this.feed.isLive,
      () => this._changed.emit()
    );
    this._sites = new Set(_context.sites?.ofPeer(peer));
    this._parts = new FrameParts(_context.settings, message => this._frame.tell(message));
    this._frame = new PaneFrame(this._url, frameWords(this._trans), this._frameTitle());
    const layout = (this.layout = new PanelLayout());
    const header = new PaneHeader(this, this._trans);
    const menu = { commands: _context.commands, groups: PANE_ACTIONS, args: { peer, name } };
    header.node.addEventListener('contextmenu', contextMenu(menu));
    layout.addWidget(header);
    layout.addWidget(this._frame);
    this._frame.readied.connect(this._onReady, this);
    this._frame.messageReceived.connect(this._onMessage, this);
    this._frame.statusChanged.connect(() => this._changed.emit());
    this._frame.pressed.connect(this._onPress, this);
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
    this.offerLinksAgain();
    if (this._frame.status === 'starting' || this._frame.status === 'ready') {
      void this.feed.start();
    } else {
      this._frame.restart();
    }
  }

  /** Whether code of its widgets did not come. */
  get lacksCode(): boolean {
    return this._modules.hasFailed;
  }

  /** A person opens it once more: draw it anew where code of its widgets did not come. */
  openAgain(): void {
    if (this.lacksCode) {
      this._frame.restart();
    }
  }

  /** Status at the owner and here, besides the facts in the feed. */
  get conditions(): IPaneConditions {
    const bond = this._context.bondWith(this.peer);
    return { isPaused: this.isPaused, isSilent: this._pulse.isSilent, bond };
  }

  /** Whether changes wait; the owner's server puts together what happens meanwhile. */
  get isPaused(): boolean {
    return this._frame.isPaused;
  }

  set isPaused(isPaused: boolean) {
    this._frame.isPaused = isPaused;
    this._changed.emit();
  }

  /** Whether all of it is shown as large as it fits. */
  get isFitted(): boolean {
    return this._isFitted;
  }

  set isFitted(isFitted: boolean) {
    this._isFitted = isFitted;
    this._frame.tell({ type: 'fit', on: isFitted });
    this._changed.emit();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.feed.dispose();
      this._pulse.dispose();
      // Lumino clears the signals after it has told of the end, which those who keep tabs wait for.
      super.dispose();
    }
  }

  /**
   * A press in the frame makes the document around it the current one.
   *
   * JupyterLab follows events of the focus, and a browser sends none to the page for a press in a frame.
   */
  private _onPress(): void {
    this.node.dispatchEvent(new FocusEvent('focus'));
  }

  private _onReady(): void {
    // The frame is empty: it needs the whole state.
    this._parts.reset();
    this._modules.reset();
    this._link = null;
    this._tellGrant();
    this._frame.tell({ type: 'fit', on: this._isFitted });
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
    this._keepOrClear();
    this._changed.emit();
  }

  /** Clears a pane that its owner has stopped; a new share starts from the beginning. */
  private _keepOrClear(): void {
    const isStopped = isWithdrawn(this.feed.state);
    this._frame.setHidden(isStopped || (this.feed.state.phase === 'idle' && this._wait));
    if (isStopped && !this._isCleared) {
      this._isCleared = true;
      this._frame.clear();
    } else if (this._isCleared && this.feed.state.phase === 'open' && !isStopped) {
      this._isCleared = false;
      this._frame.restart();
    }
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
        void this._parts.give(message.part);
        break;
      case 'module':
        void this._modules.give(message.name);
        break;
      case 'input':
        void this._onInput(message.id, message.message);
        break;
      case 'blocked':
        this._noteBlocked(message.host);
        break;
      case 'link':
        void this._offerLink(message.url);
        break;
    }
  }

  /** The page of the frame, with a policy that lets it load from the sites a person has allowed. */
  private get _url(): string {
    const url = viewerUrl(this._context.settings);
    return this._sites.size > 0 ? `${url}?sites=${[...this._sites].sort().join()}` : url;
  }

  private _noteBlocked(host: string): void {
    const site = this._context.sites?.siteOf(host);
    if (site && !this._sites.has(site) && !this._wanted.has(site)) {
      this._wanted.add(site);
      this._changed.emit();
    }
  }

  /** Known sites from which something in the pane was not loaded. */
  get wantedSites(): string[] {
    return [...this._wanted];
  }

  get allowedSites(): string[] {
    return [...this._sites];
  }

  get ownerName(): string {
    return this._context.nameOf(this.peer);
  }

  /** Let the pane load from a site, or all panes of its owner, or neither; it is drawn anew. */
  allowSite(site: string, scope: 'pane' | 'peer' | 'no'): void {
    if (scope !== 'pane') {
      void this._context.sites?.setForPeer(this.peer, site, scope === 'peer');
    }
    this._wanted.delete(site);
    if (scope === 'no') {
      this._sites.delete(site);
    } else {
      this._sites.add(site);
    }
    this._frame.url = this._url;
    this._frame.restart();
    this._changed.emit();
  }

  /** Pass on what a person does with a widget, as far as the grant goes; the owner checks it again. */
  private async _onInput(id: string, message: IInput): Promise<void> {
    let error: string | null = null;
    if (!(await this._frame.isUsed())) {
      error = '';
    } else if (!this._mayInteract) {
      error = this._trans.__('you can only view this pane');
    } else if (this._inputs >= MAX_INPUTS) {
      error = this._trans.__('too much at once');
    } else {
      this._inputs += 1;
      try {
        await this.feed.input(id, message);
      } catch (reason) {
        error = failureText(PeerError.from(reason), this._trans);
      } finally {
        this._inputs -= 1;
      }
    }
    if (error && !(await this._frame.isUsed(true))) {
      // A script or a model that moves by itself. Nobody did anything, so nobody is told.
      error = '';
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
    if (!(await this._frame.isUsed(true))) {
      return;
    }
    // A press is good for one link. Keys are not reported, but an older one does not count for so long.
    const last = this._linkAt;
    const isOver = performance.now() - last > ACTIVE_MS;
    // Waited for in any case: a press that a busy machine reports late would be good for a second link.
    const isPressed = await this._frame.isPressedSince(last);
    if ((!isPressed && !isOver) || this._linkAt !== last) {
      return;
    }
    const now = performance.now();
    if (this._link && now - this._linkAt < LINK_STAYS_MS) {
      return;
    }
    if (this._unopened >= MAX_LINKS) {
      // A person has pressed, so a person reads why nothing comes of it.
      this._hasTooManyLinks = true;
      this._linkAt = now;
      this.dismissLink();
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

  /** Whether a link was clicked, and not offered since too many before it were not opened. */
  get hasTooManyLinks(): boolean {
    return this._hasTooManyLinks;
  }

  openLink(): void {
    if (this._link) {
      window.open(this._link, '_blank', 'noopener,noreferrer');
      this._unopened = 0;
      this.dismissLink();
    }
  }

  offerLinksAgain(): void {
    this._unopened = 0;
    this._hasTooManyLinks = false;
    this._changed.emit();
  }

  dismissLink(): void {
    this._link = null;
    this._changed.emit();
  }

  get label(): string {
    return paneLabel(this.feed.state, this._context.nameOf(this.peer), this.name);
  }

  private _frameTitle(): string {
    return this._trans.__('The pane %1, drawn apart from this page', this.label);
  }

  private readonly _place: 'tab' | 'cell';
  private readonly _trans: TranslationBundle;
  private readonly _frame: PaneFrame;
  private readonly _pulse: OwnerPulse;
  private readonly _changed = new Signal<this, void>(this);
  private _wait: boolean;
  private _isFitted = false;
  private _isCleared = false;
  private readonly _parts: FrameParts;
  private readonly _modules = new PaneModules(
    name => this.feed.module(name),
    message => {
      this._frame.tell(message);
      this._changed.emit();
    },
    reason => failureText(PeerError.from(reason), this._trans)
  );
  private readonly _sites: Set<string>;
  private readonly _wanted = new Set<string>();
  private _toldGrant = false;
  private _inputs = 0;
  private _link: URL | null = null;
  private _linkAt = -Infinity;
  private _unopened = 0;
  private _hasTooManyLinks = false;
}
