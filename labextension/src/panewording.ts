import { TranslationBundle } from '@jupyterlab/translation';
import { Bond, displayName } from './model';
import { IFeedState } from './panefeed';
import { pathWord, relativeTime, roundTrip } from './wording';

/** Further remarks about a pane: changes wait, or its owner does not answer or is no peer any more. */
export interface IPaneConditions {
  isPaused: boolean;
  isSilent: boolean;
  bond: Bond;
}

/** A pane's status: a key for its colour, and words. */
export function paneStatus(
  state: IFeedState,
  now: number,
  trans: TranslationBundle,
  { isPaused, isSilent, bond }: IPaneConditions = { isPaused: false, isSilent: false, bond: 'peer' }
): { key: string; words: string } {
  const { info, lostAt, phase } = state;
  if (info && isWithdrawn(state)) {
    const owner = displayName(info.owner);
    const words = {
      peer: trans.__('Stopped by %1', owner),
      blocked: trans.__('You have blocked %1', owner),
      none: trans.__('%1 is no longer a peer of yours', owner)
    };
    return { key: 'withdrawn', words: words[bond] };
  }
  if (phase === 'failed') {
    return { key: 'failed', words: trans.__('Not shown') };
  }
  if (lostAt !== null) {
    return {
      key: 'away',
      words: trans.__(
        'Last seen %1: your Jupyter server does not answer',
        relativeTime(lostAt, now, trans)
      )
    };
  }
  if (!info || phase !== 'open') {
    return { key: 'opening', words: trans.__('Opening…') };
  }
  switch (info.status) {
    case 'live':
      if (isSilent) {
        return { key: 'away', words: trans.__('%1 is not answering', displayName(info.owner)) };
      }
      return isPaused
        ? { key: 'paused', words: trans.__('Paused') }
        : { key: 'live', words: trans.__('Live') };
    case 'last seen':
      return {
        key: 'away',
        words:
          info.last_seen === null
            ? trans.__('The owner is away')
            : trans.__('Last seen %1', relativeTime(info.last_seen, now, trans))
      };
    case 'ended':
      return { key: 'ended', words: trans.__('Ended: its kernel has stopped') };
    default:
      return { key: 'ended', words: trans.__('Closed') };
  }
}

/** Whether the owner has stopped sharing a pane that was shown. */
export function isWithdrawn({ error, info, phase }: IFeedState): boolean {
  return phase === 'failed'
    ? info !== null && error?.code === 'not_granted'
    : info?.status === 'withdrawn';
}

/** The facts besides the status: path, round trip, grant and the last change. */
export function paneFacts(state: IFeedState, now: number, trans: TranslationBundle): string[] {
  const { info, changedAt } = state;
  if (!info || isWithdrawn(state)) {
    return [];
  }
  const facts: string[] = [];
  if (info.status === 'live' && state.lostAt === null) {
    facts.push(pathWord(info.path, trans));
    facts.push(info.rtt_ms === null ? '' : roundTrip(info.rtt_ms));
  }
  facts.push(info.grant === 'interact' ? trans.__('you can use it') : trans.__('you can view it'));
  if (changedAt !== null) {
    facts.push(trans.__('changed %1', relativeTime(changedAt, now, trans)));
  }
  if (info.truncated > 0) {
    facts.push(trans.__('the first %1 characters of its text are cut', info.truncated));
  }
  return facts.filter(Boolean);
}

/** The name of a pane on this node: `ada/loss`. */
export function paneLabel({ info }: IFeedState, owner: string, name: string): string {
  return `${info ? displayName(info.owner) : owner}/${name}`;
}
