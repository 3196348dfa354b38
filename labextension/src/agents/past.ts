import { TranslationBundle } from '@jupyterlab/translation';
import { failureTexts } from '../failures';
import { IAuditEntry } from '../shapes';

/** Entries of the audit log that are read; most of them are not about agents. */
export const ENTRIES = 1000;
/** Questions that are shown. */
const SHOWN = 30;

/** A question of a peer that has ended, or was refused. */
export interface IPastQuestion {
  /** When it ended, in epoch seconds. */
  at: number;
  /** The node id of the asker. */
  peer: string;
  /** Null where the question was refused before an agent was found. */
  agent: string | null;
  /** `ok`, or the code of the error. */
  outcome: string;
  /** Node ids of all that the question came through, the first asker first. */
  chain: string[];
  /** Seconds that the answer took. */
  seconds: number | null;
  /** How many tools the agent has used. */
  tools: number;
  /** How many questions were refused alike a short time before. */
  more: number;
}

/**
 * Return the last questions of peers, the newest first.
 *
 * @param entries - Entries of the audit log, the newest first.
 */
export function pastQuestions(entries: readonly IAuditEntry[]): IPastQuestion[] {
  const chains = new Map<unknown, string[]>();
  const past: IPastQuestion[] = [];
  for (const { at, kind, peer, detail } of [...entries].reverse()) {
    if (kind === 'agent_turn') {
      chains.set(detail.turn, (detail.chain as string[] | undefined) ?? []);
    } else if (peer !== null && kind === 'agent_turn_ended') {
      past.push({
        at,
        peer,
        agent: String(detail.agent),
        outcome: String(detail.outcome),
        chain: chains.get(detail.turn) ?? [],
        seconds: Number(detail.seconds),
        tools: Number(detail.tools),
        more: 0
      });
    } else if (peer !== null && kind === 'agent_refused') {
      const more = Number(detail.more_before ?? 0);
      const outcome = String(detail.code);
      past.push({ at, peer, agent: null, outcome, chain: [], seconds: null, tools: 0, more });
    }
  }
  return past.slice(-SHOWN).reverse();
}

/** What came out of a question. */
export function outcomeWords(question: IPastQuestion, trans: TranslationBundle): string {
  const { agent, outcome, seconds, tools, more } = question;
  if (outcome === 'ok') {
    const words = trans.__('answered in %1 s', Math.max(1, Math.round(seconds ?? 0)));
    return tools
      ? trans.__('%1 with %2', words, trans._n('%1 call of a tool', '%1 calls of tools', tools))
      : words;
  }
  const why =
    outcome === 'agent_not_allowed'
      ? trans.__('this peer may not ask the agent')
      : (failureTexts(trans)[outcome] ?? trans.__('the question was not answered'));
  const words = agent === null ? trans.__('refused: %1', why) : why;
  return more ? trans._n('%2, and %1 more before', '%2, and %1 more before', more, words) : words;
}
