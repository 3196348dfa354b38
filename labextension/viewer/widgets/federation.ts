import { Exports } from './amdmodules';

/** The module for which the code of a library asks that its owner has as an extension of JupyterLab. */
export const FEDERATION = '@jupyter-peer/federation';

/** The name of JupyterLab's token for what registers widgets. */
const REGISTRY = 'jupyter.extensions.jupyterWidgetRegistry';

/** Packages of JupyterLab that extensions ask for. Most need them for the plugin alone, not for the widgets. */
const OF_JUPYTERLAB = [
  'application',
  'apputils',
  'cells',
  'codeeditor',
  'codemirror',
  'console',
  'coreutils',
  'docmanager',
  'docregistry',
  'filebrowser',
  'launcher',
  'logconsole',
  'mainmenu',
  'notebook',
  'outputarea',
  'rendermime',
  'rendermime-interfaces',
  'services',
  'settingregistry',
  'statedb',
  'statusbar',
  'translation',
  'ui-components'
].map(name => `@jupyterlab/${name}`);
const MANAGER = '@jupyter-widgets/jupyterlab-manager';

/** A package of this page that extensions share with it. */
export interface IShared {
  version: string;
  exports: Exports;
}

type Get = () => Promise<() => unknown>;
type Scope = Record<string, Record<string, { get: Get; from: string; loaded: number }>>;

/** What an entry of module federation gives. */
interface IContainer {
  init(scope: Scope): unknown;
  get(module: string): Promise<() => unknown>;
}

interface IToken {
  name?: string;
}

interface IPlugin {
  id?: string;
  requires?: IToken[];
  optional?: IToken[];
  activate(...given: unknown[]): unknown;
}

interface IRegistered {
  name: string;
  exports: Exports | Promise<Exports> | (() => Exports | Promise<Exports>);
}

/** The code of a library, as its owner packs it: see `panes/owner/federated.py`. */
export interface IPacked {
  name: string;
  /** The module with the plugins, and the one with the style sheets. */
  extension: string;
  style: string | null;
  /** Packages that it does not contain, and the modules with them. */
  needs: string[];
  found: Exports[];
  chunks: (() => void)[];
  entry: () => IContainer;
}

/**
 * Loads libraries of widgets that only extend JupyterLab, where there is no JupyterLab.
 *
 * It runs the plugins of a library with what registers widgets, and with nothing else.
 */
export class Federation {
  constructor(shared: Record<string, IShared>) {
    for (const [name, { version, exports }] of Object.entries(shared)) {
      this._offer(name, version, exports);
    }
    for (const name of [...OF_JUPYTERLAB, MANAGER]) {
      this._offer(name, '4.0.0', absent(name));
    }
  }

  /** Return the classes of a library's widgets. The code runs before the first `await`, in its own script. */
  readonly load = async (packed: IPacked): Promise<Exports> => {
    const { name, extension, style, needs, found: others, chunks, entry } = packed;
    // With these in place the container has nothing to load.
    chunks.forEach(run => run());
    const container = entry();
    needs.forEach((need, index) => {
      // An extension that has come before offers it with its version.
      if (!(need in this._scope)) {
        this._offer(need, '0.0.0', others[index]);
      }
    });
    await container.init(this._scope);
    if (style) {
      (await container.get(style))();
    }
    const module = (await container.get(extension))() as { default?: unknown };
    const registered: IRegistered[] = [];
    let why: unknown = 'it registers no widgets of that name';
    for (const plugin of [module.default ?? module].flat() as IPlugin[]) {
      try {
        await plugin.activate(NOTHING, ...given(plugin, registered));
      } catch (reason) {
        why = reason;
      }
    }
    const found = registered.find(each => each.name === name);
    if (!found) {
      throw new Error(`the extension ${name} does not work without JupyterLab: ${String(why)}`);
    }
    return typeof found.exports === 'function' ? found.exports() : found.exports;
  };

  private _offer(name: string, version: string, exports: unknown): void {
    const get = async () => () => exports;
    this._scope[name] = { [version]: { get, from: 'jupyter-peer', loaded: 1 } };
  }

  private readonly _scope: Scope = {};
}

/** Return the arguments of a plugin: what registers widgets, and nothing in place of all else. */
function given({ requires = [], optional = [] }: IPlugin, registered: IRegistered[]): unknown[] {
  const registry = { registerWidget: (data: IRegistered) => registered.push(data) };
  const give = (token: IToken, other: unknown) => (token?.name === REGISTRY ? registry : other);
  return [
    ...requires.map(token => give(token, NOTHING)),
    ...optional.map(token => give(token, null))
  ];
}

/** In place of JupyterLab: all can be called, and does nothing. */
const NOTHING: unknown = new Proxy(() => undefined, {
  get: (_, name) => (name === 'then' || typeof name === 'symbol' ? undefined : NOTHING),
  apply: () => NOTHING
});

/** A package that is not here: a class of it can be named and derived from, and makes no objects. */
function absent(module: string): unknown {
  return new Proxy(
    {},
    {
      get: (_, name) => {
        if (typeof name === 'symbol' || name === '__esModule' || name === 'then') {
          return name === '__esModule' ? true : undefined;
        }
        class Absent {
          constructor() {
            throw new Error(`${String(name)} of ${module}`);
          }
        }
        return Object.defineProperty(Absent, 'name', { value: `${module}:${name}` });
      }
    }
  );
}
