import { UUID } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket } from '../control';
import { PeerError } from '../requests';
import { IAnswerDisplay, IAskPiece, IPeerAgent } from '../shapes';

/** `waiting` while the owner is asked about a tool. */
export type AnswerState = 'answering' | 'waiting' | 'answered' | 'stopped' | 'failed';

/** A text, or what was displayed one after the other. */
export type AnswerPart = string | readonly IAnswerDisplay[];

/** A question, and what has come of its answer. */
export interface IExchange {
  readonly number: number;
  readonly question: string;
  /** The agent that was chosen; null leaves the choice to the peer. */
  readonly agent: string | null;
  readonly answer: readonly AnswerPart[];
  readonly state: AnswerState;
}

/** Seconds until a question expires, unless a person chooses another time; a person can stop it before. */
export const USUAL_WAIT_S = 600;

/** The times that a person can choose, in seconds; the server accepts an hour at most. */
export const WAITS_S = [60, USUAL_WAIT_S, 3600];

/** Number of kept questions; the page forgets older ones. */
const KEPT = 50;

/** The questions of this page to the agents of one peer, one at a time. */
export class Questions {
  constructor(
    private readonly _control: ControlSocket,
    private readonly _peer: string
  ) {}

  get exchanges(): readonly IExchange[] {
    return this._exchanges;
  }

  get changed(): ISignal<this, readonly IExchange[]> {
    return this._changed;
  }

  /** Return the agents that this node may ask. */
  async agents(): Promise<IPeerAgent[]> {
    const params = { peer: this._peer };
    return (await this._control.request<{ agents: IPeerAgent[] }>('peer_agents', params)).agents;
  }

  /** Ask; this resolves once the answer is whole or was stopped. Without one in `waitS` seconds it fails. */
  async ask(question: string, agent: string | null, waitS = USUAL_WAIT_S): Promise<void> {
    const number = (this._exchanges[this._exchanges.length - 1]?.number ?? 0) + 1;
    const asked: IExchange = { number, question, agent, answer: [], state: 'answering' };
    this._set([...this._exchanges.slice(1 - KEPT), asked]);
    const params = {
      peer: this._peer,
      prompt: question,
      agent,
      conversation: this._conversation(agent),
      stream: true,
      timeout_s: waitS
    };
    const take = (progress: unknown): void => {
      const { text, display, waiting } = progress as IAskPiece;
      this._change(number, display ? [display] : text, waiting ? 'waiting' : 'answering');
    };
    this._stop = new AbortController();
    const { signal } = this._stop;
    try {
      const rest = await this._control.request<{ answer: string }>('ask', params, take, signal);
      this._change(number, rest.answer, 'answered');
    } catch (reason) {
      this._change(number, '', signal.aborted ? 'stopped' : 'failed');
      if (!signal.aborted) {
        throw PeerError.from(reason);
      }
    }
  }

  /** Stop the question that is being answered, also at the peer. */
  stop(): void {
    this._stop?.abort();
  }

  /** Each agent has a conversation of its own, so that a question can follow on the one before. */
  private _conversation(agent: string | null): string {
    let id = this._conversations.get(agent);
    if (id === undefined) {
      id = UUID.uuid4().replace(/-/g, '');
      this._conversations.set(agent, id);
    }
    return id;
  }

  private _change(number: number, more: AnswerPart, state: AnswerState): void {
    this._set(
      this._exchanges.map(each =>
        each.number === number ? { ...each, answer: joined(each.answer, more), state } : each
      )
    );
  }

  private _set(exchanges: readonly IExchange[]): void {
    this._exchanges = exchanges;
    this._changed.emit(exchanges);
  }

  private readonly _changed = new Signal<this, readonly IExchange[]>(this);
  private readonly _conversations = new Map<string | null, string>();
  private _exchanges: readonly IExchange[] = [];
  private _stop: AbortController | null = null;
}

/** Return the parts of an answer with one more; two of a kind that follow each other are one. */
function joined(parts: readonly AnswerPart[], more: AnswerPart): readonly AnswerPart[] {
  if (more.length === 0) {
    return parts;
  }
  const last = parts[parts.length - 1];
  if (typeof last === 'string' && typeof more === 'string') {
    return [...parts.slice(0, -1), last + more];
  }
  if (Array.isArray(last) && Array.isArray(more)) {
    return [...parts.slice(0, -1), [...last, ...more]];
  }
  return [...parts, more];
}
