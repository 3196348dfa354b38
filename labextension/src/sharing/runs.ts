import { NotebookPanel, INotebookTracker } from '@jupyterlab/notebook';
import { Kernel, KernelMessage } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

/** The facts about the last run of a cell from this page. */
export interface IRun {
  /** `msg_id` of its execute request. */
  readonly request: string;
  /** Ids of the messages of it that the page has shown. */
  readonly shown: readonly string[];
}

/** A cell was run from this page. */
export interface ICellRun {
  kernelId: string;
  cellId: string;
  /** Of its notebook, on the server. */
  path: string;
  request: string;
}

/** A cell waits for what its owner types, or with `null` no longer. */
export interface ICellQuestion {
  kernelId: string;
  request: string;
  prompt: string | null;
}

/** Number of ids that the server accepts. */
const MAX_SHOWN = 4096;
/** Statuses of a kernel in which no cell waits for input. */
const GONE: readonly Kernel.Status[] = ['restarting', 'autorestarting', 'terminating', 'dead'];
/** Characters of a prompt that viewers see. */
const MAX_PROMPT = 1024;

/** Follows the kernels of all open notebooks, and remembers which request runs which cell. */
export class CellRuns {
  constructor(tracker: INotebookTracker) {
    tracker.widgetAdded.connect((_, panel) => this._follow(panel));
    tracker.forEach(panel => this._follow(panel));
  }

  /** Emitted as a cell is run. */
  get started(): ISignal<this, ICellRun> {
    return this._started;
  }

  /** The last run of a cell from this page; none before the first. */
  last(kernelId: string, cellId: string): IRun | undefined {
    const request = this._cells.get(`${kernelId} ${cellId}`);
    return request === undefined ? undefined : { request, shown: this._shown.get(request) ?? [] };
  }

  /** Emitted as a cell asks its owner for an input, and as it has the answer. */
  get asked(): ISignal<this, ICellQuestion> {
    return this._asked;
  }

  /** The prompt for which a kernel waits, if any. */
  question(kernelId: string): ICellQuestion | undefined {
    return this._questions.get(kernelId);
  }

  private _follow({ context }: NotebookPanel): void {
    const { sessionContext } = context;
    this._listen(context, sessionContext.session?.kernel);
    sessionContext.kernelChanged.connect((_, { newValue }) => this._listen(context, newValue));
  }

  private _listen(
    context: NotebookPanel['context'],
    kernel: Kernel.IKernelConnection | null | undefined
  ): void {
    if (!kernel || this._kernels.has(kernel)) {
      return;
    }
    this._kernels.add(kernel);
    kernel.anyMessage.connect((_, { msg, direction }) => {
      const { cellId } = msg.metadata;
      if (direction === 'send' && isExecuteRequest(msg) && typeof cellId === 'string') {
        const path = context.localPath;
        const run = { kernelId: kernel.id, cellId, path, request: msg.header.msg_id };
        const key = `${kernel.id} ${cellId}`;
        this._shown.delete(this._cells.get(key) ?? '');
        this._cells.set(key, run.request);
        this._shown.set(run.request, []);
        this._started.emit(run);
      } else if (direction === 'recv' && KernelMessage.isInputRequestMsg(msg)) {
        this._ask(kernel.id, msg);
      } else if (direction === 'send' && msg.header.msg_type === 'input_reply') {
        // The answer itself is not looked at.
        this._endQuestion(kernel.id);
      }
    });
    kernel.statusChanged.connect((_, status) => {
      if (GONE.includes(status)) {
        this._endQuestion(kernel.id);
      }
    });
    // Emitted once the output is in the notebook.
    kernel.iopubMessage.connect((_, msg) => {
      const { header, parent_header } = msg;
      const { request } = this._questions.get(kernel.id) ?? {};
      if (request && 'msg_id' in parent_header && parent_header.msg_id === request && isIdle(msg)) {
        // It was interrupted.
        this._endQuestion(kernel.id);
      }
      const ids = 'msg_id' in parent_header && this._shown.get(parent_header.msg_id);
      if (ids) {
        ids.push(header.msg_id);
        ids.splice(0, ids.length - MAX_SHOWN);
      }
    });
  }

  private _ask(kernelId: string, { content, parent_header }: KernelMessage.IInputRequestMsg): void {
    if ('msg_id' in parent_header) {
      const prompt = content.prompt.slice(0, MAX_PROMPT);
      const question = { kernelId, request: parent_header.msg_id, prompt };
      this._questions.set(kernelId, question);
      this._asked.emit(question);
    }
  }

  private _endQuestion(kernelId: string): void {
    const question = this._questions.get(kernelId);
    if (question) {
      this._questions.delete(kernelId);
      this._asked.emit({ ...question, prompt: null });
    }
  }

  private readonly _kernels = new WeakSet<Kernel.IKernelConnection>();
  private readonly _cells = new Map<string, string>();
  private readonly _shown = new Map<string, string[]>();
  private readonly _questions = new Map<string, ICellQuestion>();
  private readonly _asked = new Signal<this, ICellQuestion>(this);
  private readonly _started = new Signal<this, ICellRun>(this);
}

function isIdle(message: KernelMessage.IMessage): boolean {
  return KernelMessage.isStatusMsg(message) && message.content.execution_state === 'idle';
}

function isExecuteRequest(message: KernelMessage.IMessage): boolean {
  return message.header.msg_type === 'execute_request';
}
