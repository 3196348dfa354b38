import { ISignal } from '@lumino/signaling';
import { IPeersState, PeersModel } from '../model';

/**
 * Report what is new in something that changes, each thing once; nothing of its first picture is new.
 *
 * @param list - The things by a key that stays theirs, also when they go and come back; null while
 *   they are not known.
 */
export function onNew<T>(
  changed: ISignal<unknown, unknown>,
  list: () => Iterable<[string, T]> | null,
  report: (thing: T) => void
): void {
  let known: Set<string> | null = null;
  const look = (): void => {
    const things = list();
    if (!things) {
      return;
    }
    const before = known;
    known ??= new Set();
    for (const [key, thing] of things) {
      if (!known.has(key)) {
        known.add(key);
        if (before) {
          report(thing);
        }
      }
    }
  };
  changed.connect(look);
  look();
}

/** Report what is new in the model, as `onNew` does. */
export function onArrival<T>(
  model: PeersModel,
  list: (state: IPeersState) => Iterable<[string, T]>,
  report: (thing: T) => void
): void {
  const known = () => (model.state.phase === 'ready' ? list(model.state) : null);
  onNew(model.stateChanged, known, report);
}
