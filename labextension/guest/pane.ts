/** The pane of the link: opened at each offer, followed step by step, at the pace of the frame. */

import { type IPaneStep } from '../src/shapes';
import { type IInput } from '../src/viewerprotocol';
import { fromUtf8 } from '../wire/bytes';
import { WireError } from '../wire/errors';
import { type JsonObject } from '../wire/json';
import { type IOwnersMessage, type Session } from './session';

/** Steps that the frame has not shown; with so many the owner is told to hold back. */
const MAX_UNSHOWN = 16;
const MAX_INPUTS = 32;
/** Steps that come before the answer to what was asked. */
const MAX_PUT_BY = 64;
const MAX_MODULE = 8 * 1024 * 1024;
/** One of the largest size takes long on a slow connection. */
const MODULE_MS = 120_000;

export interface IPaneFacts {
  name: string;
  title: string;
  grant: 'view' | 'interact';
  /** Whether the owner shares the pane now. */
  status: 'opening' | 'live' | 'ended';
  /** When the newest change came (milliseconds), 0 before the first. */
  changedAt: number;
}

export interface IPaneEvents {
  onFacts: () => void;
  onStep: (step: IPaneStep) => void;
}

export class Pane {
  constructor(
    private readonly _session: () => Session | null,
    private readonly _events: IPaneEvents
  ) {}

  get facts(): Readonly<IPaneFacts> {
    return this._facts;
  }

  /** Take a message of the owner. */
  take({ type, data }: IOwnersMessage): void {
    const name = typeof data.pane === 'string' ? data.pane : '';
    if (type === 'pane_offer') {
      this._note({ name, ...described(data) });
      this._open(true);
    } else if (type === 'pane_withdraw') {
      this._note({ name, status: 'ended' });
    } else if (type === 'pane_update' && name === this._facts.name) {
      this._takeStep(data);
    }
  }

  /** Ask for the whole pane: the frame is empty. */
  reopen(): void {
    if (this._facts.status !== 'opening') {
      this._open(true);
    }
  }

  /** Note that the frame shows everything up to a revision. */
  shown(rev: number): void {
    this._unshown = this._unshown.filter(each => each > rev);
    if (this._isHeldBack && !this._unshown.length) {
      this._isHeldBack = false;
      this._open(false);
    }
  }

  /**
   * Do something with a widget.
   *
   * @throws WireError, why the owner does not take it.
   */
  async input(id: string, message: IInput): Promise<void> {
    const session = this._session();
    if (!session) {
      throw new WireError('not_connected', 'the owner is not connected');
    }
    if (this._inputs >= MAX_INPUTS) {
      throw new WireError('busy', 'too much at once');
    }
    this._inputs += 1;
    try {
      const pane = this._facts.name;
      await session.ask('pane_input', { pane, message: message as unknown as JsonObject, id });
    } finally {
      this._inputs -= 1;
    }
  }

  /**
   * Return the code of a module that widgets of the pane need, as its owner has installed it.
   *
   * Where the connection is lost it asks again once the pane is open again.
   *
   * @throws WireError, why the owner does not give it.
   */
  async module(name: string): Promise<string> {
    const kept = this._modules.get(name);
    if (kept !== undefined) {
      return kept;
    }
    const asked = { pane: this._facts.name, module: name };
    const session = this._session();
    const answer = await session?.ask('pane_module', asked, MODULE_MS).catch(ifOwners);
    if (!answer) {
      // The connection was lost.
      await new Promise<void>(resolve => this._onOpened.push(resolve));
      return this.module(name);
    }
    const { type, buffers = [] } = answer;
    if (type !== 'pane_module' || buffers.length !== 1 || buffers[0].length > MAX_MODULE) {
      throw new WireError('malformed', 'the answer is not the code of a module');
    }
    const code = fromUtf8(buffers[0]);
    this._modules.set(name, code);
    return code;
  }

  private _open(whole: boolean): void {
    const session = this._session();
    const { name } = this._facts;
    if (!session || !name) {
      return;
    }
    const known: JsonObject = whole ? {} : { epoch: this._epoch, rev: this._rev };
    this._isHeldBack = false;
    this._unshown = [];
    const opening: IPaneStep[] = [];
    this._opening = opening;
    session.ask('pane_open', { pane: name, ...known }).then(
      ({ data }) => {
        if (this._opening === opening) {
          this._opening = null;
          this._note(described(data));
          this._note({ status: data.ended === true ? 'ended' : 'live' });
          this._show(data as unknown as IPaneStep);
          opening.forEach(step => this._follow(step));
          this._onOpened.splice(0).forEach(resolve => resolve());
        }
      },
      (error: unknown) => {
        if (this._opening === opening) {
          this._opening = null;
          this._onRefused(error);
        }
      }
    );
  }

  private _onRefused(error: unknown): void {
    const code = error instanceof WireError ? error.code : '';
    if (code === 'pane_ended' || code === 'not_granted') {
      this._note({ status: 'ended' });
    } else if (code === 'busy') {
      setTimeout(() => this._open(true), 3000);
    }
    // A lost connection opens the pane anew when it is back.
  }

  private _takeStep(data: Record<string, unknown>): void {
    const step = data as unknown as IPaneStep;
    if (this._isHeldBack || !isStep(step)) {
      return;
    }
    if (this._opening) {
      // By a group a step may come before the answer. What does not fit here is asked for later.
      this._opening.push(step);
      this._opening.splice(0, this._opening.length - MAX_PUT_BY);
    } else {
      this._follow(step);
    }
  }

  private _follow(step: IPaneStep): void {
    if (step.epoch === this._epoch && step.rev <= this._rev) {
      return;
    }
    this._show(step);
  }

  private _show(step: IPaneStep): void {
    if (!isStep(step)) {
      return;
    }
    const isSameLife = step.epoch === this._epoch;
    if (!step.outputs && (step.prev !== this._rev || !isSameLife)) {
      if (!this._opening) {
        this._open(!isSameLife);
      }
      return;
    }
    [this._epoch, this._rev] = [step.epoch, step.rev];
    this._note({ changedAt: Date.now() });
    if (step.outputs || step.messages?.length) {
      this._unshown.push(step.rev);
      this._events.onStep(step);
    }
    if (this._unshown.length >= MAX_UNSHOWN) {
      // Nobody looks, or the frame is slow. What happens meanwhile comes as one step.
      this._isHeldBack = true;
      this._session()?.say('pane_close', { pane: this._facts.name });
    }
  }

  private _note(change: Partial<IPaneFacts>): void {
    this._facts = { ...this._facts, ...change };
    this._events.onFacts();
  }

  private _facts: IPaneFacts = {
    name: '',
    title: '',
    grant: 'view',
    status: 'opening',
    changedAt: 0
  };
  /** The code that came, for a frame that begins anew. */
  private readonly _modules = new Map<string, string>();
  private readonly _onOpened: (() => void)[] = [];
  private _epoch = '';
  private _rev = -1;
  private _unshown: number[] = [];
  private _isHeldBack = false;
  /** While the owner is asked: the steps that have come meanwhile. */
  private _opening: IPaneStep[] | null = null;
  private _inputs = 0;
}

/** Throw an error of the owner's. */
function ifOwners(reason: unknown): null {
  if (reason instanceof WireError && reason.code === 'link_closed') {
    return null;
  }
  throw reason;
}

const isStep = ({ epoch, rev }: IPaneStep): boolean =>
  typeof epoch === 'string' && Number.isSafeInteger(rev);

function described(data: Record<string, unknown>): Partial<IPaneFacts> {
  return {
    title: typeof data.title === 'string' ? data.title.slice(0, 256) : '',
    grant: data.grant === 'interact' ? 'interact' : 'view'
  };
}
