import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { TranslationBundle } from '@jupyterlab/translation';
import { ISignal, Signal } from '@lumino/signaling';
import { PeerError } from '../requests';
import { IAgent, IAgents } from '../shapes';
import { AgentSwitch } from './switch';

/** The name under which the guide answers, as with `%peer guide`. */
const NAME = 'guide';
/** The tool that a guide has which may tell of cells. */
const CELLS = 'list_cells';

/** An open notebook with a kernel. */
export interface INotebook {
  readonly title: string;
  readonly kernelId: string;
}

/** The notebook guide: the agent that answers from the variables of one notebook's kernel. */
export class NotebookGuide {
  constructor(
    private readonly _tracker: INotebookTracker,
    private readonly _agents: AgentSwitch,
    private readonly _trans: TranslationBundle
  ) {
    _tracker.currentChanged.connect(() => this._follow());
    this._follow();
  }

  /** The notebook that a person works in; null without one, or while it has no kernel. */
  get notebook(): INotebook | null {
    return this._notebook;
  }

  get changed(): ISignal<this, INotebook | null> {
    return this._changed;
  }

  /** The guide that is on, of whichever notebook. */
  static find(agents: IAgents): IAgent | undefined {
    return agents.on
      ? agents.agents.find(({ name, kernel_id }) => name === NAME && kernel_id !== null)
      : undefined;
  }

  /** Whether a guide tells which cells have run. */
  static tellsOfCells({ tools }: IAgent): boolean {
    return tools.some(({ name }) => name === CELLS);
  }

  /** The title of the open notebook with this kernel. */
  titleOf(kernelId: string): string | undefined {
    return this._tracker.find(panel => kernelOf(panel)?.id === kernelId)?.title.label;
  }

  /**
   * Let the guide answer from the current notebook, as `%peer guide` does.
   *
   * The guide lives in the kernel, which registers it as soon as no cell runs.
   *
   * @param cells - Whether it also shows the cells that have run.
   */
  async turnOn(cells: boolean): Promise<void> {
    const panel = this._tracker.currentWidget;
    const kernel = panel && kernelOf(panel);
    if (kernel) {
      await this._register(kernel, cells);
      await this._agents.choose(NAME);
    }
  }

  /** Remove the guide at once, also while a cell of its notebook runs; other agents stay. */
  async turnOff(): Promise<void> {
    await this._agents.remove(NAME);
  }

  private async _register(kernel: Kernel.IKernelConnection, cells: boolean): Promise<void> {
    const { language_info: language } = await kernel.info;
    if (language.name !== 'python') {
      throw new PeerError({
        code: 'not_enabled',
        message: this._trans.__('the guide knows notebooks in Python only'),
        hint: this._trans.__('open a notebook in Python')
      });
    }
    const code = `__import__("jupyter_peer").client().guide(cells=${cells ? 'True' : 'False'})`;
    const { content } = await kernel.requestExecute({
      code,
      silent: true,
      store_history: false,
      allow_stdin: false,
      stop_on_error: false
    }).done;
    if (content.status === 'error') {
      throw content.ename === 'ModuleNotFoundError'
        ? new PeerError({
            code: 'not_enabled',
            message: this._trans.__('the kernel of this notebook does not find jupyter-peer'),
            hint: this._trans.__('install jupyter-peer in the environment of the kernel')
          })
        : new PeerError({ message: content.evalue });
    }
  }

  /** Follow the notebook that has become the current one. */
  private _follow(): void {
    const panel = this._tracker.currentWidget;
    if (panel && !this._followed.has(panel)) {
      this._followed.add(panel);
      panel.sessionContext.kernelChanged.connect(() => this._read());
      panel.title.changed.connect(() => this._read());
    }
    this._read();
  }

  private _read(): void {
    const panel = this._tracker.currentWidget;
    const kernelId = panel && kernelOf(panel)?.id;
    const title = panel?.title.label ?? '';
    const before = this._notebook;
    if (kernelId !== (before?.kernelId ?? null) || title !== (before?.title ?? '')) {
      this._notebook = kernelId ? { title, kernelId } : null;
      this._changed.emit(this._notebook);
    }
  }

  private readonly _followed = new WeakSet<NotebookPanel>();
  private readonly _changed = new Signal<this, INotebook | null>(this);
  private _notebook: INotebook | null = null;
}

function kernelOf({ sessionContext }: NotebookPanel): Kernel.IKernelConnection | null {
  return sessionContext.session?.kernel ?? null;
}
