import * as base from '@jupyter-widgets/base';
import { ManagerBase } from '@jupyter-widgets/base-manager';
import * as controls from '@jupyter-widgets/controls';
import anywidget from 'anywidget';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { ICommMessage, IModelState, IWidgets, IWidgetsHost, Missing } from '../widgethost';
import { AmdModules, Exports } from './amdmodules';
import { fromBase64, NOWHERE, PaneComm } from './comm';
import { FEDERATION, Federation } from './federation';
import { Latecomers } from './latecomers';
import { linkClasses } from './links';
import { outputClasses } from './outputwidget';
import { sharedPackages } from './shared';
import { sliderClasses } from './sliders';

/** An input that was not answered yet. */
interface IWaiting {
  comm: PaneComm;
  callbacks: base.ICallbacks | undefined;
}

/** Highest number of models of a pane; the owner's side has the same bound. */
const MAX_MODELS = 4096;

/** A key that plotly's figures have, and no other widget. */
const FIGURE = '_widget_data';

// A model that ends deletes its own comm, and would throw when it has something to say after that.
base.WidgetModel.prototype.comm = NOWHERE;

/**
 * The models of a pane and their views.
 *
 * They are those of the owner's kernel and of nobody else: nothing in here can make or end one.
 */
export class PaneWidgets extends ManagerBase implements IWidgets {
  constructor(private readonly _host: IWidgetsHost) {
    super();
    const own = {
      '@jupyter-widgets/base': base as unknown as Exports,
      '@jupyter-widgets/controls': { ...controls, ...linkClasses(), ...sliderClasses() },
      '@jupyter-widgets/output': outputClasses((node, output) => _host.drawOutput(node, output)),
      anywidget: anywidget(base),
      [FEDERATION]: { load: new Federation(sharedPackages()).load }
    };
    this._code = new AmdModules(
      own,
      name => _host.moduleCode(name),
      () => _host.changed()
    );
    // Where labels of controls look for what typesets the formulas in them.
    this._rendermime = { latexTypesetter: { typeset: (node: HTMLElement) => _host.typeset(node) } };
  }

  /** By the name that the controls know. */
  readonly _rendermime: object;

  close(modelIds: string[]): void {
    modelIds.forEach(id => this._closed.add(id));
  }

  reset(models: Record<string, IModelState>): void {
    for (const id of [...this._comms.keys()]) {
      // A figure's page holds changes of its own: it begins anew with what they led to.
      if (!(id in models) || FIGURE in models[id].state) {
        this._end(id);
      }
    }
    for (const [id, model] of Object.entries(models).slice(0, MAX_MODELS)) {
      const buffers = model.buffers ?? [];
      if (this._comms.has(id)) {
        const data = {
          method: 'update',
          state: model.state,
          buffer_paths: buffers.map(({ path }) => path)
        };
        this._hear({
          msg_type: 'comm_msg',
          content: { comm_id: id, data },
          buffers: buffers.map(each => each.data)
        });
        // Whether what is under way has been taken can be seen in the whole state alone.
        this._comms.get(id)?.takeBack();
      } else {
        this._begin(id, model);
      }
    }
    this._sweep();
  }

  take(message: ICommMessage): void {
    const id = message.content.comm_id;
    if (message.msg_type === 'comm_open') {
      const { state, buffer_paths = [] } = message.content.data as {
        state: Record<string, unknown>;
        buffer_paths?: (string | number)[][];
      };
      this._begin(id, {
        model_name: String(state._model_name),
        model_module: String(state._model_module),
        model_module_version: String(state._model_module_version),
        state,
        buffers: buffer_paths.map((path, index) => ({
          path,
          encoding: 'base64',
          data: message.buffers?.[index] ?? ''
        }))
      });
    } else if (message.msg_type === 'comm_close') {
      this._closed.add(id);
      this._end(id);
    } else {
      this._hear(message);
    }
    this._sweep();
  }

  missing(modelId: string): Missing | undefined {
    let isComing = false;
    for (const module of this._modules.get(modelId) ?? []) {
      const missing = this._code.missing(module);
      if (typeof missing === 'object' && missing) {
        return { module, ...missing };
      }
      isComing ||= missing === 'coming';
    }
    return !this._modules.has(modelId) ? undefined : isComing ? 'coming' : null;
  }

  draw(node: HTMLElement, modelId: string): void {
    const show = async () => {
      const model = await this.get_model(modelId);
      const view = await this.create_view(model as base.DOMWidgetModel);
      this._views.push([node, view]);
      Widget.attach(view.luminoWidget, node);
    };
    show().catch(reason => {
      node.textContent = String(reason);
    });
  }

  answered(id: string, isTaken: boolean): void {
    const input = this._waiting.get(id);
    this._waiting.delete(id);
    if (!isTaken) {
      input?.comm.takeBack(id);
    }
    // The model keeps what it has to say until the one before was handled.
    input?.callbacks?.iopub?.status?.({ content: { execution_state: 'idle' } } as never);
  }

  takeBack(): void {
    this._comms.forEach(comm => comm.takeBack());
  }

  override async create_view<V extends base.DOMWidgetView = base.DOMWidgetView>(
    model: base.DOMWidgetModel,
    options?: unknown
  ): Promise<V> {
    this._latecomers.begin(model);
    const view = await super.create_view<V>(model, options);
    this._latecomers.viewed(model);
    return view;
  }

  /** A box that holds a closed widget is drawn with the others in it. */
  override get_model(modelId: string): Promise<base.WidgetModel> {
    if (!this._closed.has(modelId)) {
      return super.get_model(modelId);
    }
    const module = '@jupyter-widgets/controls';
    const nothing = { model_name: 'BoxModel', model_module: module, model_module_version: '*' };
    const comm = new PaneComm(modelId, { state: {} }, () => undefined);
    const options = { ...nothing, model_id: `${modelId}-closed`, comm } as base.IModelOptions;
    const empty = { _view_name: 'BoxView', _view_module: module, children: [], layout: null };
    this._nothing ??= this.new_model(options, empty);
    return this._nothing;
  }

  /** A foreign widget in a box of others leaves the others as they are. */
  protected override async loadModelClass(
    className: string,
    moduleName: string,
    moduleVersion: string
  ): Promise<typeof base.WidgetModel> {
    try {
      await this._code.need(moduleName);
    } catch (reason) {
      return base.createErrorWidgetModel(reason, moduleName);
    }
    return super.loadModelClass(className, moduleName, moduleVersion);
  }

  protected override async loadClass(
    className: string,
    moduleName: string
  ): Promise<typeof base.WidgetModel | typeof base.WidgetView> {
    const found = (await this._code.need(moduleName))[className];
    if (!found) {
      throw new Error(`${moduleName}: ${className}`);
    }
    return found as typeof base.WidgetModel;
  }

  protected override _create_comm(): Promise<base.IClassicComm> {
    return Promise.reject(new Error('a pane makes no widgets of its own'));
  }

  protected override async _get_comm_info(): Promise<Record<string, never>> {
    return {};
  }

  private _begin(id: string, model: IModelState): void {
    if (this._comms.has(id) || this._comms.size >= MAX_MODELS) {
      return;
    }
    this._closed.delete(id);
    const comm: PaneComm = new PaneComm(id, model, (message, inputId, callbacks) => {
      this._waiting.set(inputId, { comm, callbacks });
      if (this._isQuiet) {
        // The model has to know the id of what it has said before it hears that it comes to nothing.
        queueMicrotask(() => this._quietly(() => this.answered(inputId, false)));
      } else {
        this._host.send(message, inputId);
      }
    });
    this._comms.set(id, comm);
    const { _view_module } = model.state;
    const modules = [model.model_module, ...(_view_module ? [String(_view_module)] : [])];
    this._modules.set(id, [...new Set(modules)]);
    this._make(comm, model).catch(reason => {
      console.warn(`the widget ${model.model_module} ${model.model_name} cannot be made`, reason);
    });
  }

  /** Make a model; others may refer to it as soon as this has been called. */
  private async _make(comm: PaneComm, model: IModelState): Promise<void> {
    const { model_name, model_module, model_module_version, buffers = [] } = model;
    const id = comm.comm_id;
    const state = structuredClone(model.state) as never;
    base.put_buffers(
      state,
      buffers.map(({ path }) => path),
      buffers.map(({ data }) => fromBase64(data))
    );
    const options = { model_name, model_module, model_module_version, model_id: id, comm };
    const made = await this.new_model(options as base.IModelOptions, state);
    if (this._comms.get(id) !== comm) {
      // It has ended meanwhile, when it could not hear of it.
      await made.close(true);
    }
  }

  private _hear(message: ICommMessage): void {
    const id = message.content.comm_id;
    if (this.has_model(id)) {
      // Not before the model is there to listen, and has done with the message before.
      const ready = this._heard.get(id) ?? Promise.resolve();
      const heard = ready.then(async () => {
        const model = await this.get_model(id);
        await pictureLoaded(model);
        if (message.isPast && model.get('_view_name')) {
          await this._latecomers.ready(id);
        }
        const hearing = this._comms.get(id)?.hear(message);
        this._latecomers.heard(message);
        await hearing;
      });
      this._heard.set(
        id,
        heard.catch(() => undefined)
      );
    }
  }

  private _end(id: string): void {
    // A tab, for one, chooses another as soon as what is in it ends.
    this._quietly(() => this._comms.get(id)?.end());
    this._comms.delete(id);
    this._heard.delete(id);
    this._modules.delete(id);
  }

  /** Send nothing of what models say meanwhile: no person has caused it. */
  private _quietly(change: () => void): void {
    const wasQuiet = this._isQuiet;
    this._isQuiet = true;
    try {
      change();
    } finally {
      this._isQuiet = wasQuiet;
    }
  }

  /** Dispose of views whose output is no longer shown. */
  private _sweep(): void {
    this._views = this._views.filter(([node, view]) => {
      // A view whose model has ended is gone with it.
      if (!node.isConnected && !view.luminoWidget.isDisposed) {
        // Lumino would refuse to detach what is not in the document any more.
        MessageLoop.sendMessage(view.luminoWidget, Widget.Msg.BeforeDetach);
        MessageLoop.sendMessage(view.luminoWidget, Widget.Msg.AfterDetach);
        this._quietly(() => view.remove());
      }
      return node.isConnected;
    });
  }

  private readonly _code: AmdModules;
  private readonly _latecomers = new Latecomers();
  private readonly _closed = new Set<string>();
  private _nothing: Promise<base.WidgetModel> | null = null;
  private readonly _comms = new Map<string, PaneComm>();
  /** When each model, by its id, will have heard what was said to it. */
  private readonly _heard = new Map<string, Promise<void>>();
  /** The modules of each model, by its id. */
  private readonly _modules = new Map<string, string[]>();
  private readonly _waiting = new Map<string, IWaiting>();
  private _isQuiet = false;
  private _views: [HTMLElement, base.DOMWidgetView][] = [];
}

/**
 * Wait for the picture that a canvas of ipympl loads: the next picture shows only what has changed, and would take its place.
 *
 * An owner's page asks for the next picture once it has one. A pane hears what this page was told.
 */
function pictureLoaded(model: base.WidgetModel): Promise<void> {
  const { image } = model as { image?: unknown };
  if (!(image instanceof HTMLImageElement) || image.complete) {
    return Promise.resolve();
  }
  return new Promise(resolve => {
    for (const end of ['load', 'error']) {
      image.addEventListener(end, () => resolve(), { once: true });
    }
  });
}
