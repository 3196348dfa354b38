/** The classes of a module, by their names. */
export type Exports = Record<string, unknown>;

type Factory = (...dependencies: unknown[]) => unknown;

/** A call of `define`, whose arguments before the last may be missing. */
interface IDefinition {
  name: string | null;
  dependencies: string[];
  factory: unknown;
}

interface IEntry {
  whole: Promise<Exports>;
  exports?: Exports;
  why?: string;
}

/** A library that has not begun by then does not begin, as far as can be told. It is drawn if it does later. */
const BEGINS_WITHIN_MS = 10_000;

/** Dependencies of a module besides other modules. */
const SPECIAL = ['require', 'exports', 'module'];

/**
 * The modules that draw widgets: those of this page, and what the owner of the pane has installed.
 *
 * A library brings one AMD module, which asks for `@jupyter-widgets/base` as a rule.
 */
export class AmdModules {
  /**
   * @param own - The modules that need not be asked for.
   * @param _code - Returns the code of another one; rejects with why it cannot be had.
   * @param _onSettled - Called once another one is there, or cannot be had.
   */
  constructor(
    own: Record<string, Exports>,
    private readonly _code: (name: string) => Promise<string>,
    private readonly _onSettled: () => void
  ) {
    for (const [name, exports] of Object.entries(own)) {
      this._entries.set(name, { exports, whole: Promise.resolve(exports) });
    }
  }

  /** Return null for a module that is there, `coming`, or why it cannot be had. */
  missing(name: string): null | 'coming' | { why: string } {
    void this.need(name).catch(() => undefined);
    const { exports, why } = this._entries.get(name) as IEntry;
    return exports ? null : why === undefined ? 'coming' : { why };
  }

  /** Return the exports of a module, which is asked for once. */
  need(name: string): Promise<Exports> {
    let entry = this._entries.get(name);
    if (!entry) {
      entry = { whole: this._load(name) };
      this._entries.set(name, entry);
      const { whole } = entry;
      void this._settle(entry, whole);
    }
    return entry.whole;
  }

  private async _settle(entry: IEntry, whole: Promise<Exports>): Promise<void> {
    try {
      entry.exports = await whole;
    } catch (reason) {
      entry.why = reason instanceof Error ? reason.message : String(reason);
    }
    this._onSettled();
  }

  private async _load(name: string): Promise<Exports> {
    const code = await this._code(name);
    // Once to learn what it asks for, and, where that is not here yet, once more when it is.
    const first = this._run(name, code);
    if ('exports' in first) {
      return this._begun(name, first.exports);
    }
    await Promise.all(first.absent.map(each => this.need(each)));
    const second = this._run(name, code);
    if ('exports' in second) {
      return this._begun(name, second.exports);
    }
    throw new Error(`${name} asks for other modules each time`);
  }

  /** Wait for a library, which may wait for what never comes: a file that was not sent, a worker. */
  private async _begun(name: string, exports: Exports | Promise<Exports>): Promise<Exports> {
    const timer = setTimeout(() => {
      const entry = this._entries.get(name) as IEntry;
      entry.why = 'its code waits for something that a pane does not have';
      this._onSettled();
    }, BEGINS_WITHIN_MS);
    try {
      return await exports;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Run the code; the factory runs in its script, since it may ask for the address of that. */
  private _run(name: string, code: string): { exports: Exports } | { absent: string[] } {
    let result: { exports: Exports } | { absent: string[] } | null = null;
    let failure: unknown = new Error(`${name} defines no module`);
    const define = (...given: unknown[]) => {
      const definition = read(given);
      if (result && definition.name !== name) {
        return;
      }
      try {
        result = this._make(name, definition);
      } catch (reason) {
        failure = reason;
      }
    };
    define.amd = {};
    runScript(name, code, define);
    if (!result) {
      throw failure;
    }
    return result;
  }

  private _make(
    name: string,
    { dependencies, factory }: IDefinition
  ): { exports: Exports } | { absent: string[] } {
    const others = dependencies.filter(each => !SPECIAL.includes(each));
    const absent = others.filter(each => !this._entries.get(each)?.exports);
    if (absent.length > 0) {
      return { absent };
    }
    const module = { id: name, uri: addressOf(name), config: () => ({}), exports: {} as Exports };
    const specials: Record<string, unknown> = {
      require: (each: string) => this._entries.get(each)?.exports,
      exports: module.exports,
      module
    };
    const values = dependencies.map(each => specials[each] ?? this._entries.get(each)?.exports);
    const made = typeof factory === 'function' ? (factory as Factory)(...values) : factory;
    return { exports: (made ?? module.exports) as Exports };
  }

  private readonly _entries = new Map<string, IEntry>();
}

/** Where a module pretends to be: some ask, to load files that lie beside it. */
const addressOf = (name: string): string => `https://modules.invalid/${name}/index.js`;

function read(given: unknown[]): IDefinition {
  const name = typeof given[0] === 'string' ? (given.shift() as string) : null;
  const dependencies = Array.isArray(given[0]) ? (given.shift() as string[]) : SPECIAL;
  return { name, dependencies, factory: given[0] };
}

/** Run a script now, with its own `define` in place of one that an output may have brought. */
function runScript(name: string, code: string, define: unknown): void {
  const scope = window as unknown as Record<string, unknown>;
  const before = { define: scope.define, exports: scope.exports, module: scope.module };
  Object.assign(scope, { define, exports: undefined, module: undefined });
  const script = document.createElement('script');
  // The bundles of webpack look there for the folder they came from.
  Object.defineProperty(script, 'src', { value: addressOf(name) });
  script.textContent = code;
  document.head.append(script);
  script.remove();
  Object.assign(scope, before);
}
