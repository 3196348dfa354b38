import { IPeersState, PeersModel } from '../model';

/**
 * Report what is new in the model, each thing once; nothing of its first picture is new.
 *
 * @param list - The things by a key that stays theirs, also when they go and come back.
 */
export function onArrival<T>(
  model: PeersModel,
  list: (state: IPeersState) => Iterable<[string, T]>,
  report: (thing: T) => void
): void {
  let known: Set<string> | null = null;
  const look = (): void => {
    if (model.state.phase !== 'ready') {
      return;
    }
    const before = known;
    known ??= new Set();
    for (const [key, thing] of list(model.state)) {
      if (!known.has(key)) {
        known.add(key);
        if (before) {
          report(thing);
        }
      }
    }
  };
  model.stateChanged.connect(look);
  look();
}
