import { NotebookPanel, INotebookTracker } from '@jupyterlab/notebook';
import { Kernel, KernelMessage } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

/** What is known of the last run of a cell from this page. */
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
  request: string;
}

/** As many ids as the server takes. */
const MAX_SHOWN = 4096;

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

  private _follow({ sessionContext }: NotebookPanel): void {
    this._listen(sessionContext.session?.kernel);
    sessionContext.kernelChanged.connect((_, { newValue }) => this._listen(newValue));
  }

  private _listen(kernel: Kernel.IKernelConnection | null | undefined): void {
    if (!kernel || this._kernels.has(kernel)) {
      return;
    }
    this._kernels.add(kernel);
    kernel.anyMessage.connect((_, { msg, direction }) => {
      const { cellId } = msg.metadata;
      if (direction === 'send' && isExecuteRequest(msg) && typeof cellId === 'string') {
        const run = { kernelId: kernel.id, cellId, request: msg.header.msg_id };
        const key = `${kernel.id} ${cellId}`;
        this._shown.delete(this._cells.get(key) ?? '');
        this._cells.set(key, run.request);
        this._shown.set(run.request, []);
        this._started.emit(run);
      }
    });
    // Emitted once the output is in the notebook.
    kernel.iopubMessage.connect((_, { header, parent_header }) => {
      const ids = 'msg_id' in parent_header && this._shown.get(parent_header.msg_id);
      if (ids) {
        ids.push(header.msg_id);
        ids.splice(0, ids.length - MAX_SHOWN);
      }
    });
  }

  private readonly _kernels = new WeakSet<Kernel.IKernelConnection>();
  private readonly _cells = new Map<string, string>();
  private readonly _shown = new Map<string, string[]>();
  private readonly _started = new Signal<this, ICellRun>(this);
}

function isExecuteRequest(message: KernelMessage.IMessage): boolean {
  return message.header.msg_type === 'execute_request';
}
