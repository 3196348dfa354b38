/** The page of a guest link: header, and the frame in which the pane is drawn. */

import { FrameHost, type FrameStatus } from '../src/framehost';
import { frameWords } from '../src/framewords';
import { PaneModules } from '../src/panemodules';
import { type FromFrame, type IInput, type Part } from '../src/viewerprotocol';
import { fromUtf8, toHex } from '../wire/bytes';
import { hash } from '../wire/crypto';
import { WireError } from '../wire/errors';
import { type IGuestLink } from './address';
import { byId, Header } from './header';
import { Owner, type Presence } from './owner';
import { Pane } from './pane';
import { Tab } from './tab';
import { theme } from './theme';

/** SHA-256 of the code for each part, written into the page when it is built. */
declare const PART_DIGESTS: Record<Part, string>;

const LEAST_HEIGHT = 120;
const LINK_PAUSE_MS = 2000;

const STOPPED: Partial<Record<FrameStatus, string>> = {
  waiting: 'What runs in this pane does not answer.',
  flood: 'This pane was stopped: a script in it sent too much.',
  reload: 'This pane was stopped: a script in it made it load again and again.',
  focus: 'This pane was stopped: a script in it took the keyboard while you were not using it.',
  history: 'This pane was stopped: a script in it filled the history of this tab.'
};

export class Page {
  constructor(link: IGuestLink) {
    this._tab = new Tab(link.id);
    this._scrollTo = this._tab.scrolled;
    this._owner = new Owner(link, this._tab, {
      onPresence: (presence, reason) => this._onPresence(presence, reason),
      onMessage: message => this._pane.take(message)
    });
    this._pane = new Pane(() => this._owner.session, {
      onFacts: () => this._onFacts(),
      onStep: step => this._frame.showStep(step)
    });
    this._header = new Header(link, this._tab, this._owner, this._pane);
    // Texts of the frame are English here, with their values filled in as a translator does.
    const words = frameWords({ __: (text, value) => text.replace('%1', value ?? '%1') });
    this._frame = new FrameHost(this._content, '?frame', words, 'The shared pane', {
      onReady: () => this._onFrameReady(),
      onMessage: message => this._onFrameMessage(message),
      onStatus: status => this._onFrameStatus(status),
      isVisible: () => true,
      theme
    });
  }

  start(): void {
    this._frame.start();
    this._owner.start();
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', () => this._frame.tellTheme());
    addEventListener('scroll', () => (this._tab.scrolled = scrollY), { passive: true });
    byId('again').addEventListener('click', () => {
      byId('notice').hidden = true;
      this._frame.restart();
    });
    this._header.update();
  }

  private _onPresence(presence: Presence, reason: string): void {
    this._header.presence = presence;
    this._header.reason = reason;
    document.body.dataset.presence = presence;
    if (presence === 'over') {
      // Nothing of the pane stays, also no script of it.
      this._frame.end();
      this._frame.clear();
      byId('notice').hidden = true;
      byId('over').textContent = 'There is nothing to see here any more.';
    }
    this._header.update();
  }

  private _onFacts(): void {
    const { grant } = this._pane.facts;
    if (grant !== this._toldGrant) {
      this._tellGrant();
    }
    this._header.update();
  }

  private _tellGrant(): void {
    this._toldGrant = this._pane.facts.grant;
    this._frame.tell({ type: 'grant', interact: this._toldGrant === 'interact' });
  }

  private _onFrameReady(): void {
    this._gaveParts.clear();
    this._modules.reset();
    this._tellGrant();
    this._pane.reopen();
  }

  private _onFrameMessage(message: FromFrame): void {
    switch (message.type) {
      case 'shown':
        this._pane.shown(message.rev);
        break;
      case 'height':
        this._fit(message.px);
        break;
      case 'need':
        void this._givePart(message.part);
        break;
      case 'module':
        void this._modules.give(message.name);
        break;
      case 'input':
        void this._onInput(message.id, message.message);
        break;
      case 'link':
        void this._onLink(message.url);
        break;
    }
  }

  private _onFrameStatus(status: FrameStatus): void {
    const words = STOPPED[status];
    byId('notice').hidden = !words;
    byId('notice-words').textContent = words ?? '';
  }

  /** The page scrolls, not the frame: so a reload can bring the place back. */
  private _fit(px: number): void {
    this._frame.height = Math.max(LEAST_HEIGHT, Math.ceil(px));
    if (this._scrollTo > 0 && document.documentElement.scrollHeight > this._scrollTo) {
      scrollTo({ top: this._scrollTo });
      this._scrollTo = 0;
    }
  }

  /** Hand the frame code that it cannot load, if it is the code that this page was built with. */
  private async _givePart(part: Part): Promise<void> {
    if (this._gaveParts.has(part)) {
      return;
    }
    this._gaveParts.add(part);
    let code: string | null = null;
    try {
      const init = { credentials: 'omit', referrerPolicy: 'no-referrer' } as const;
      const response = await fetch(`?${part}`, init);
      const bytes = new Uint8Array(await response.arrayBuffer());
      code = toHex(hash(bytes)) === PART_DIGESTS[part] ? fromUtf8(bytes) : null;
    } catch {
      // The frame says that it shows the plain text.
    }
    this._frame.tell({ type: 'part', part, code });
  }

  private async _onInput(id: string, message: IInput): Promise<void> {
    let error: string | null = null;
    if (!(await this._frame.isUsed())) {
      error = '';
    } else if (this._pane.facts.grant !== 'interact') {
      error = 'you can only view this pane';
    } else {
      try {
        await this._pane.input(id, message);
      } catch (reason) {
        error = reason instanceof WireError ? reason.message : 'it was not sent';
      }
    }
    if (error && !(await this._frame.isUsed(true))) {
      // A script or a model that moves by itself. Nobody did anything, so nobody is told.
      error = '';
    }
    this._frame.tell({ type: 'answered', id, error });
  }

  /** Open a link of the pane after a person has read where it goes. */
  private async _onLink(address: string): Promise<void> {
    const dialog = byId('leave') as HTMLDialogElement;
    // A script may ask too, and again and again: a person has just pressed or typed in the frame.
    if (!(await this._frame.isUsed(true)) || dialog.open || performance.now() < this._askAgainAt) {
      return;
    }
    const url = new URL(address);
    // A user name before the host is there to be taken for the host.
    url.username = url.password = '';
    byId('leave-host').textContent = url.host;
    byId('leave-url').textContent = url.href;
    dialog.onclose = () => {
      this._askAgainAt = performance.now() + LINK_PAUSE_MS;
    };
    byId('leave-no').onclick = () => dialog.close();
    byId('leave-yes').onclick = () => {
      dialog.close();
      window.open(url, '_blank', 'noopener,noreferrer');
    };
    dialog.showModal();
  }

  private readonly _content = byId('content');
  private readonly _tab: Tab;
  private readonly _owner: Owner;
  private readonly _pane: Pane;
  private readonly _header: Header;
  private readonly _frame: FrameHost;
  private readonly _gaveParts = new Set<Part>();
  private readonly _modules = new PaneModules(
    name => this._pane.module(name),
    message => this._frame.tell(message)
  );
  private _scrollTo = 0;
  private _toldGrant = '';
  private _askAgainAt = 0;
}
