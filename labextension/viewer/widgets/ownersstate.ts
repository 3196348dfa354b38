import { ICommMessage, IModelState } from '../widgethost';

type Path = (string | number)[];

/** A key as the owner has it: its value, and the buffers at or below it as base64. */
interface IOwned {
  value: unknown;
  buffers: [Path, string][];
}

/**
 * The keys of one model as they are at its owner's, and the inputs that were not echoed yet.
 *
 * A model shows at once what a person does, and from then on takes no echo of that key but its own.
 * Where an input is refused or gets lost that echo never comes: the model would go on to show what is
 * not so, whatever the owner's page does. So it is given one that says how the key really is.
 */
export class OwnersState {
  constructor(
    private readonly _commId: string,
    { state, buffers = [] }: Pick<IModelState, 'state' | 'buffers'>
  ) {
    this._learn(
      state,
      buffers.map(({ path, data }) => [path, data])
    );
  }

  /** The owner's kernel said something. */
  learn({ content, buffers = [], re }: ICommMessage): void {
    const update = updateOf(content.data);
    if (!update) {
      return;
    }
    const { state, buffer_paths } = update;
    this._learn(
      state,
      buffer_paths.map((path, index) => [path, buffers[index] ?? ''])
    );
    for (const key of keysOf(update)) {
      if (this._expected.get(key) === re) {
        this._expected.delete(key);
      }
    }
  }

  /** An input goes out; its echo is awaited. */
  expect({ content }: ICommMessage, id: string): void {
    const update = updateOf(content.data);
    for (const key of update ? keysOf(update) : []) {
      this._expected.set(key, id);
    }
  }

  /** The echoes, with what is so, of an input that comes to nothing, or of all that are under way. */
  takeBack(id?: string): ICommMessage[] {
    const names = new Map<string, string[]>();
    for (const [name, expected] of this._expected) {
      if (id === undefined || id === expected) {
        names.set(expected, [...(names.get(expected) ?? []), name]);
        this._expected.delete(name);
      }
    }
    return [...names].map(([each, some]) => this._echo(each, some));
  }

  private _echo(re: string, names: string[]): ICommMessage {
    const known = names.flatMap(name => {
      const owned = this._owned.get(name);
      return owned ? [{ name, ...owned }] : [];
    });
    const buffers = known.flatMap(each => each.buffers);
    const state = Object.fromEntries(known.map(({ name, value }) => [name, value]));
    return {
      msg_type: 'comm_msg',
      content: {
        comm_id: this._commId,
        data: {
          method: 'echo_update',
          // Whoever takes it puts the buffers into it.
          state: structuredClone(state),
          buffer_paths: buffers.map(([path]) => path)
        }
      },
      buffers: buffers.map(([, data]) => data),
      re
    };
  }

  private _learn(state: Record<string, unknown>, buffers: [Path, string][]): void {
    const fresh = new Map<string, IOwned>();
    for (const [name, value] of Object.entries(state)) {
      fresh.set(name, { value, buffers: [] });
    }
    for (const [path, data] of buffers) {
      const name = String(path[0]);
      // A buffer that is a whole value has nothing in the state.
      if (path.length === 1 && !fresh.has(name)) {
        fresh.set(name, { value: null, buffers: [] });
      }
      fresh.get(name)?.buffers.push([path, data]);
    }
    fresh.forEach((owned, name) => this._owned.set(name, owned));
  }

  private readonly _owned = new Map<string, IOwned>();
  private readonly _expected = new Map<string, string>();
}

interface IUpdate {
  state: Record<string, unknown>;
  buffer_paths: Path[];
}

function updateOf(data: unknown): IUpdate | null {
  const { method, state, buffer_paths = [] } = data as { method?: string } & Partial<IUpdate>;
  return state && (method === 'update' || method === 'echo_update')
    ? { state, buffer_paths }
    : null;
}

function keysOf({ state, buffer_paths }: IUpdate): Set<string> {
  return new Set([...Object.keys(state), ...buffer_paths.map(path => String(path[0]))]);
}
