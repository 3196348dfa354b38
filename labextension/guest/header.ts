/** The header: whose pane it is and how it stands. The content below cannot reach or cover it. */

import { shortFingerprint } from './session';
import { type IGuestLink } from './address';
import { ENDS, type Owner, type Presence } from './owner';
import { type Pane } from './pane';
import { type Tab } from './tab';

const MAX_NAME = 64;

/** A status: a key for its colour, and words. */
export function status(
  presence: Presence,
  reason: string,
  ended: boolean,
  seenAt: number,
  now: number
): { key: string; words: string } {
  switch (presence) {
    case 'connecting':
      return reason === 'lost' || reason === ''
        ? { key: 'opening', words: 'Connecting…' }
        : { key: 'away', words: 'The owner does not answer. Trying again…' };
    case 'away':
      return { key: 'away', words: `Not answering. Last seen ${ago(seenAt, now)}` };
    case 'full':
      return { key: 'away', words: 'All places of this link are taken. Trying again…' };
    case 'over':
      return { key: 'over', words: ENDS[reason] ?? 'This link is over.' };
    default:
      return ended
        ? { key: 'ended', words: 'Ended: the pane is not shared now' }
        : { key: 'live', words: 'Live' };
  }
}

export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 60) {
    return seconds < 5 ? 'just now' : `${seconds} s ago`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

export class Header {
  constructor(
    link: IGuestLink,
    private readonly _tab: Tab,
    private readonly _owner: Owner,
    private readonly _pane: Pane
  ) {
    this._who.textContent = 'Shared pane';
    this._key = shortFingerprint(link.keyHash);
    byId('fingerprint').textContent = this._key;
    const name = byId('guest-name') as HTMLInputElement;
    const save = byId('guest-save') as HTMLButtonElement;
    name.value = _tab.name;
    const say = () => {
      const said = name.value.trim().slice(0, MAX_NAME);
      if (said !== this._tab.name) {
        this._tab.name = said;
        this._owner.again();
      }
      (byId('you') as HTMLDetailsElement).open = false;
      this.update();
    };
    save.addEventListener('click', say);
    name.addEventListener('keydown', event => event.key === 'Enter' && say());
    // Ages count on.
    setInterval(() => this.update(), 5000);
  }

  presence: Presence = 'connecting';
  reason = '';

  update(): void {
    const { facts } = this._pane;
    const owner = this._owner.name || 'Owner';
    this._who.textContent = facts.name ? `${owner}/${facts.name}` : owner;
    byId('title').textContent = facts.title && facts.title !== facts.name ? facts.title : '';
    const now = status(
      this.presence,
      this.reason,
      facts.status === 'ended',
      this._owner.seenAt,
      Date.now()
    );
    this._status.dataset.status = now.key;
    if (this._words.textContent !== now.words) {
      this._words.textContent = now.words;
    }
    const isHere = this.presence === 'here' || this.presence === 'away';
    const may = facts.grant === 'interact' ? 'you can use it' : 'you can view it';
    byId('facts').textContent = isHere && facts.name ? may : '';
    byId('whose').textContent = facts.name
      ? `What is below comes from ${owner}, key ${this._key}.`
      : '';
    byId('you-name').textContent = this._tab.name || 'Say who you are';
    document.title = facts.name ? `${facts.title || facts.name} · ${owner}` : 'Shared pane';
  }

  private readonly _key: string;
  private readonly _who = byId('who');
  private readonly _status = byId('status');
  private readonly _words = byId('status-words');
}

export function byId(id: string): HTMLElement {
  return document.getElementById(id) as HTMLElement;
}
