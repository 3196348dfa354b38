import { nullTranslator, TranslationBundle } from '@jupyterlab/translation';
import { failureTexts } from './failures';
import { IFailure, IFinding, IPeer, IPhrase, IProgress, IRoom } from './shapes';

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
  if (progress.ok !== false && progress.message) {
    return phraseText(progress.message_phrase ?? plain(progress.message), trans);
  }
  if (progress.ok === null) {
    return trans.__('Trying %1', path);
  }
  if (progress.ok) {
    return trans.__('Connected by %1', path);
  }
  const message = progress.message
    ? phraseText(progress.message_phrase ?? plain(progress.message), trans)
    : trans.__('no answer');
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

/** A phrase of the server in the reader's language; what nobody has translated stays English. */
export function phraseText(phrase: IPhrase, trans: TranslationBundle): string {
  const params = (phrase.params ?? []).map(each =>
    typeof each === 'string' ? each : phraseText(each, trans)
  );
  return trans.__(phrase.template, ...params);
}

/** A text of the server without parameters, as a phrase. */
function plain(text: string): IPhrase {
  return { template: text.replace(/%(?=[\d%])/g, '%%') };
}

const ENGLISH = nullTranslator.load('jupyter_peer');

/**
 * What failed, in the reader's language.
 *
 * If nobody has translated the server's own words, such as those of a peer's server, the general text
 * of the error comes first.
 */
export function failureText(failure: IFailure, trans: TranslationBundle): string {
  const { code, message } = failure;
  const phrase = failure.message_phrase ?? plain(message);
  const own = phraseText(phrase, trans);
  const general = failureTexts(trans)[code];
  const isForeign = own === phraseText(phrase, ENGLISH) && general !== failureTexts(ENGLISH)[code];
  return isForeign ? `${general} (${message})` : own;
}

/** A failure as sentences: what failed, and what to do next. */
export function failureWords(
  failure: IFailure,
  trans: TranslationBundle
): { message: string; hint: string } {
  const hint = phraseText(failure.hint_phrase ?? plain(failure.hint), trans);
  return { message: sentence(failureText(failure, trans)), hint: hint && sentence(hint) };
}

/** A finding: its title, a sentence, and the advice that goes with it. */
export function findingWords(
  finding: IFinding,
  trans: TranslationBundle
): { title: string; text: string; hint: string } {
  const phrase = finding.text_phrase ?? plain(finding.text);
  const text = phraseText(phrase, trans);
  return {
    title: phraseText(plain(finding.title ?? finding.check), trans),
    // A finding is a sentence, which may begin with the name of a peer. The message of an error is none.
    text: phrase.template === '%1.' ? sentence(text) : text,
    hint: phraseText(finding.hint_phrase ?? plain(finding.hint), trans)
  };
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
