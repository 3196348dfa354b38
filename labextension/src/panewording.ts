import { TranslationBundle } from '@jupyterlab/translation';
import { displayName } from './model';
import { IFeedState } from './panefeed';
import { Words } from './viewerprotocol';
import { pathWord, relativeTime, roundTrip } from './wording';

/** A pane's status: a key for its colour, and words. */
export function paneStatus(
  state: IFeedState,
  now: number,
  trans: TranslationBundle
): { key: string; words: string } {
  const { info, lostAt, phase } = state;
  if (phase === 'failed') {
    return { key: 'failed', words: trans.__('Not shown') };
  }
  if (lostAt !== null) {
    return {
      key: 'away',
      words: trans.__('Last seen %1: your Jupyter server does not answer', ago(lostAt, now, trans))
    };
  }
  if (!info || phase !== 'open') {
    return { key: 'opening', words: trans.__('Opening…') };
  }
  switch (info.status) {
    case 'live':
      return { key: 'live', words: trans.__('Live') };
    case 'last seen':
      return {
        key: 'away',
        words:
          info.last_seen === null
            ? trans.__('The owner is away')
            : trans.__('Last seen %1', ago(info.last_seen, now, trans))
      };
    case 'ended':
      return { key: 'ended', words: trans.__('Ended: its kernel has stopped') };
    case 'withdrawn':
      return { key: 'withdrawn', words: trans.__('Stopped by its owner') };
    default:
      return { key: 'ended', words: trans.__('Closed') };
  }
}

/** What is known besides the status: path, round trip, grant and the last change. */
export function paneFacts(state: IFeedState, now: number, trans: TranslationBundle): string[] {
  const { info, changedAt } = state;
  if (!info) {
    return [];
  }
  const facts: string[] = [];
  if (info.status === 'live' && state.lostAt === null) {
    facts.push(pathWord(info.path, trans));
    facts.push(info.rtt_ms === null ? '' : roundTrip(info.rtt_ms));
  }
  facts.push(info.grant === 'interact' ? trans.__('you can use it') : trans.__('you can view it'));
  if (changedAt !== null) {
    facts.push(trans.__('changed %1', ago(changedAt, now, trans)));
  }
  if (info.truncated > 0) {
    facts.push(trans.__('the first %1 characters of its text are cut', info.truncated));
  }
  return facts.filter(Boolean);
}

/** The name of a pane on this node: `ada/loss`. */
export function paneLabel(state: IFeedState, peer: string, name: string): string {
  return `${state.info ? displayName(state.info.owner) : peer}/${name}`;
}

function ago(at: number, now: number, trans: TranslationBundle): string {
  const seconds = Math.round(now - at);
  if (seconds < 5) {
    return trans.__('just now');
  }
  return seconds < 60 ? trans.__('%1 s ago', seconds) : relativeTime(at, now, trans);
}

/** The few texts that the frame itself shows; the frame replaces `%1`. */
export function frameWords(trans: TranslationBundle): Words {
  // Without a value the translator would write "undefined".
  const open = '%1';
  return {
    blocked: trans.__('Not loaded, since a pane has no network: %1', open),
    cut: trans.__('%1 characters before this are not shown here', open),
    left: trans.__('%1 characters after this are not shown here', open),
    failed: trans.__('A script of this pane failed: %1', open),
    refused: trans.__('The owner did not accept your input: %1', open),
    noRenderer: trans.__('%1 cannot be shown here; this is its plain text', open),
    noRendererAlone: trans.__('%1 cannot be shown here', open),
    notDrawn: trans.__('%1 could not be shown; this is its plain text', open),
    noModule: trans.__(
      'The widget module %1 is not part of jupyter-peer; this is its plain text',
      open
    ),
    noWidgets: trans.__('The code for widgets could not be loaded; this is their plain text'),
    readOnly: trans.__('You can view these widgets. Their owner has not let you use them.'),
    widgetUnknown: trans.__('The kernel of the owner knows no widget %1', open),
    nothing: trans.__('This pane shows nothing yet'),
    invisible: trans.__(
      'Nothing of this pane can be seen here. It may need what another cell has loaded.'
    )
  };
}
