import { TranslationBundle } from '@jupyterlab/translation';
import { displayName, IPeersState } from '../model';
import { ILink, IOwnPane } from '../shapes';

/** A peer or guest who has a pane open. */
export interface IWatcher {
  id: string;
  name: string;
  /** A guest chooses the name, so it is shown as one. */
  isGuest: boolean;
  /** False for a guest without a name; `name` is then “a guest”. */
  isNamed: boolean;
}

/** The people who have a pane of this node open: peers, and guests of its links. */
export function watchersOf(
  pane: IOwnPane,
  { links, peers }: IPeersState,
  trans: TranslationBundle
): IWatcher[] {
  const viewers = pane.viewers.map(({ node_id, node_name }) => {
    const peer = peers.find(each => each.node_id === node_id);
    const name = displayName(peer ?? { node_id, node_name, alias: null });
    return { id: node_id, name, isGuest: false, isNamed: true };
  });
  const guests = linksOf(pane, links).flatMap(link => link.guests);
  const named = guests.map(({ id, name }) => ({
    id,
    name: name ? trans.__('%1 (guest)', name) : trans.__('a guest'),
    isGuest: true,
    isNamed: Boolean(name)
  }));
  return [...viewers, ...named];
}

/** The present watchers of a pane of this node, or else who may view it. */
export function audienceWords(
  pane: IOwnPane,
  state: IPeersState,
  trans: TranslationBundle
): string {
  const watching = watchersOf(pane, state, trans).map(({ name }) => name);
  if (watching.length > 0) {
    return trans.__('Watching: %1', watching.join(', '));
  }
  const granted = mayView(pane, state).length;
  if (linksOf(pane, state.links).length > 0) {
    return granted === 0
      ? trans.__('Anyone with the link can view it')
      : trans._n(
          '1 peer and anyone with the link can view it',
          '%1 peers and anyone with the link can view it',
          granted
        );
  }
  return granted === 0
    ? trans.__('No peer can view it')
    : trans._n('1 peer can view it', '%1 peers can view it', granted);
}

/** The node ids of the peers that can view a pane: the grant of a blocked one waits. */
export function mayView(pane: IOwnPane, { peers }: IPeersState): string[] {
  const blocked = new Set(peers.filter(peer => peer.blocked).map(peer => peer.node_id));
  return Object.keys(pane.grants).filter(id => !blocked.has(id));
}

/** The links that open a pane. */
export function linksOf(pane: IOwnPane, links: readonly ILink[]): ILink[] {
  return links.filter(link => link.pane === pane.name);
}
