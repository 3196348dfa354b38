import { IView } from '../context';
import { displayName } from '../model';
import { watchersOf } from '../panes/audience';
import { IPeerSettings } from '../settings';
import { IOfferedPane } from '../shapes';
import { CommandIDs } from '../tokens';
import { onArrival } from './arrivals';
import { StandingNotices } from './standing';

/**
 * Tell of panes that peers share, of people who open a pane of this node for the first time, and of
 * panes of this node that end with their kernel. A notification goes once it is no longer true.
 */
export function notifyOfPanes(
  { commands, model, trans }: IView,
  settings: () => IPeerSettings,
  markNews: () => void
): void {
  const isOpen = ({ name, peer }: IOfferedPane) =>
    model.state.open.includes(`${peer.node_id}/${name}`);
  const offers = new StandingNotices<IOfferedPane>(
    offer =>
      isOpen(offer) ||
      !model.state.panes.offered.some(
        ({ name, peer, since }) =>
          name === offer.name && since === offer.since && peer.node_id === offer.peer.node_id
      )
  );
  const visits = new StandingNotices<string>(
    pane => !model.state.panes.mine.some(({ name }) => name === pane)
  );
  const ends = new StandingNotices<string[]>(
    names =>
      !model.state.panes.mine.some(({ name, status }) => status === 'ended' && names.includes(name))
  );
  for (const notices of [offers, visits, ends]) {
    model.stateChanged.connect(notices.clear);
  }

  onArrival(
    model,
    ({ panes }) =>
      panes.offered.map(pane => [`${pane.peer.node_id}/${pane.name}/${pane.since}`, pane]),
    offer => {
      const { peer, name, title } = offer;
      if (isOpen(offer)) {
        return;
      }
      markNews();
      if (settings().notifyShared) {
        const words = trans.__('%1 shares “%2” with you.', displayName(peer), title || name);
        const open = () => void commands.execute(CommandIDs.openPane, { peer: peer.node_id, name });
        offers.tell(offer, words, trans.__('Open'), open);
      }
    }
  );
  onArrival(
    model,
    state =>
      state.panes.mine.flatMap(pane => {
        const what = pane.title || pane.name;
        // Guests come anew with each page that they open, so the first speaks for all.
        return watchersOf(pane, state, trans).map(
          ({ id, name, isGuest, isNamed }): [string, { words: string; pane: string }] => {
            const words = isNamed
              ? trans.__('%1 opened “%2”.', name, what)
              : trans.__('A guest opened “%1”.', what);
            return [`${pane.name}/${isGuest ? 'guest' : id}`, { words, pane: pane.name }];
          }
        );
      }),
    ({ words, pane }) => {
      if (settings().notifyWatched) {
        const show = () => void commands.execute(CommandIDs.shared);
        visits.tell(pane, words, trans.__('Show'), show);
      }
    }
  );

  let live = new Set<string>();
  model.stateChanged.connect(() => {
    const { mine } = model.state.panes;
    const ended = mine.filter(({ name, status }) => status === 'ended' && live.has(name));
    live = new Set(mine.filter(({ status }) => status === 'live').map(({ name }) => name));
    if (ended.length > 0 && settings().notifyEnded) {
      const names = ended.map(({ name }) => name);
      const titles = ended.map(({ name, title }) => trans.__('“%1”', title || name)).join(', ');
      const words = trans.__(
        'Peers see nothing new of %1: the kernel has stopped. Run the cell again to go on.',
        titles
      );
      const show = () => void commands.execute(CommandIDs.shared);
      ends.tell(names, words, trans.__('Show'), show);
    }
  });
}
