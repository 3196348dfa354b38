import { nullTranslator, TranslationBundle } from '@jupyterlab/translation';
import { failureTexts } from './failures';
import { IFailure } from './requests';
import { IPeer, IProgress, IRoom } from './shapes';

/** A peer's status in a word. */
export function statusWord(peer: IPeer, trans: TranslationBundle): string {
  switch (peer.status) {
    case 'connected':
      return trans.__('Connected');
    case 'connecting':
      return trans.__('Connecting…');
    case 'blocked':
      return trans.__('Blocked');
    default:
      return trans.__('Offline');
  }
}

/** Why a peer may connect: paired, for the moment by a policy, or not at all. */
export function trustWord(peer: IPeer, trans: TranslationBundle): string {
  if (peer.trusted) {
    return trans.__('paired');
  }
  switch (peer.origin) {
    case 'directory':
      return trans.__('member of the directory');
    case 'open-lan':
      return trans.__('open to the local network');
    default:
      return trans.__('not paired');
  }
}

/** By which path messages travel: always visible, because people ask. */
export function pathWord(transport: string | null, trans: TranslationBundle): string {
  switch (transport) {
    case null:
      return '';
    case 'direct':
      return trans.__('direct');
    case 'lan':
      return trans.__('local network');
    case 'webrtc':
      return trans.__('direct, WebRTC');
    case 'relay':
      return trans.__('by relay');
    case 'loopback':
      return trans.__('this machine');
    default:
      return transport;
  }
}

export function roundTrip(ms: number): string {
  return ms < 1 ? '<1 ms' : `${Math.round(ms)} ms`;
}

/** A lifetime of an invite or a link, as the settings name it. */
export function lifetimeWords(lifetime: string, trans: TranslationBundle): string {
  switch (lifetime) {
    case '10m':
      return trans.__('10 minutes');
    case '1h':
      return trans.__('1 hour');
    case '8h':
      return trans.__('8 hours');
    case '24h':
      return trans.__('1 day');
    case '7d':
      return trans.__('7 days');
    default:
      return lifetime;
  }
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60]
];

/**
 * A moment relative to now: "30 s ago", "5 minutes ago", "in 3 hours".
 *
 * @param at - Epoch seconds.
 * @param now - Epoch seconds.
 */
export function relativeTime(at: number, now: number, trans: TranslationBundle): string {
  const format = new Intl.RelativeTimeFormat(language());
  // Rounded up to the minute: an invite made for a day says so, not "in 23 hours".
  const distance = at > now ? Math.ceil((at - now) / 60) * 60 : at - now;
  for (const [unit, size] of UNITS) {
    if (Math.abs(distance) >= size) {
      return format.format(Math.trunc(distance / size), unit);
    }
  }
  const seconds = Math.round(now - at);
  return seconds < 5 ? trans.__('just now') : trans.__('%1 s ago', seconds);
}

function language(): string | undefined {
  // JupyterLab states the chosen language on the page.
  return document.documentElement.lang || undefined;
}

/** When a peer was last seen; never in the future, whatever the two clocks say. */
export function lastSeen(peer: IPeer, now: number, trans: TranslationBundle): string {
  return peer.last_seen === null
    ? trans.__('never')
    : relativeTime(Math.min(peer.last_seen, now), now, trans);
}

/** The state of a peer: its status, and then its path and round trip or its last visit. */
export function peerSummary(peer: IPeer, now: number, trans: TranslationBundle): string[] {
  const parts = [statusWord(peer, trans)];
  if (peer.status === 'connected') {
    parts.push(pathWord(peer.transport, trans));
    if (peer.rtt_ms !== null) {
      parts.push(roundTrip(peer.rtt_ms));
    }
  } else if (peer.status !== 'connecting') {
    parts.push(
      peer.last_seen === null
        ? trans.__('never seen')
        : trans.__('last seen %1', lastSeen(peer, now, trans))
    );
  }
  return parts.filter(Boolean);
}

/** One path that pairing or connecting tries. */
export function progressWords(progress: IProgress, trans: TranslationBundle): string {
  const path = progress.address || progress.step;
  if (progress.ok === null) {
    return trans.__('Trying %1', path);
  }
  if (progress.ok) {
    return trans.__('Connected by %1', path);
  }
  const message = progress.message || trans.__('no answer');
  return message.includes(path) ? message : trans.__('%1: %2', path, message);
}

/** The join policy of a room in words. */
export function policyWords(room: IRoom, trans: TranslationBundle): string {
  switch (room.join_policy) {
    case 'token':
      return trans.__('anybody who has its token may join');
    case 'directory':
      return trans.__('members of the directory may join');
    default:
      return room.visibility === 'public'
        ? trans.__('anybody may join')
        : trans.__('anybody who knows its name may join');
  }
}

/**
 * What failed, and what to do next, in the reader's language.
 *
 * In English they are the server's own words, which name the peer, the pane or the setting. In another
 * language the general text comes first, and the server's own follows if it says more.
 */
export function translated(failure: IFailure, trans: TranslationBundle): IFailure {
  const { code, message, hint } = failure;
  const [english, advice] = failureTexts(nullTranslator.load('jupyter_peer'))[code] ?? ['', ''];
  const [general, next] = failureTexts(trans)[code] ?? ['', ''];
  const detail = message === english ? '' : ` (${message})`;
  return {
    code,
    message: general === english ? message : general + detail,
    hint: hint === advice ? next : hint
  };
}

/** A failure as sentences. */
export function failureWords(failure: IFailure, trans: TranslationBundle): Omit<IFailure, 'code'> {
  const { message, hint } = translated(failure, trans);
  return { message: sentence(message), hint: hint && sentence(hint) };
}

/** The same in one line. */
export function failureLine(failure: IFailure, trans: TranslationBundle): string {
  const { message, hint } = failureWords(failure, trans);
  return hint ? `${message} ${hint}` : message;
}

function sentence(text: string): string {
  // The name of an option and an address stay as they are written.
  const start = /^\S*[_:/]/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}
