import { Button, closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, useNow, usePeersState, useView } from '../context';
import { Failure, IconButton } from '../section';
import { IGuest, ILink } from '../shapes';
import { relativeTime } from '../wording';
import { LinksModel } from './model';
import { pathWords } from './words';

/** The links that work, and who has each of them open. */
export function LinkList({ links }: { links: LinksModel }): React.ReactElement {
  const { trans } = useView();
  const all = usePeersState().links;
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('Links')}>
      {all.map(link => (
        <LinkRow key={link.id} link={link} links={links} />
      ))}
    </ul>
  );
}

function LinkRow({ link, links }: { link: ILink; links: LinksModel }): React.ReactElement {
  const { model, trans } = useView();
  const { busy, error, run } = useAction();
  const now = useNow();
  const pane = model.state.panes.mine.find(each => each.name === link.pane);
  const title = pane?.title || link.pane;
  const words = [
    trans.__('%1 of %2 open', link.guests.length, link.max_guests),
    link.grant === 'interact' ? trans.__('can use') : trans.__('can view'),
    trans.__('expires %1', relativeTime(link.expires, now, trans))
  ].join(' · ');
  return (
    <li data-link={link.id}>
      <div className="jp-Peers-row">
        <span className="jp-Peers-name" title={title}>
          {title}
        </span>
        <span className="jp-Peers-muted" title={words}>
          {words}
        </span>
        <Button
          minimal
          small
          type="button"
          aria-label={trans.__('Stop the link to %1', title)}
          aria-disabled={busy}
          onClick={() => run(() => links.stop(link.id))}
        >
          {trans.__('Stop')}
        </Button>
      </div>
      {link.guests.length > 0 && (
        <ul
          className="jp-Peers-list jp-Peers-members"
          aria-label={trans.__('Who has %1 open', title)}
        >
          {link.guests.map(guest => (
            <GuestRow
              key={guest.id}
              guest={guest}
              now={now}
              drop={() => run(() => links.drop(link.id, guest.id))}
            />
          ))}
        </ul>
      )}
      <Failure error={error} trans={trans} />
    </li>
  );
}

function GuestRow(props: { guest: IGuest; now: number; drop: () => void }): React.ReactElement {
  const { guest, now, drop } = props;
  const { trans } = useView();
  const name = guest.name || trans.__('A guest');
  const words = trans.__(
    'since %1, %2',
    relativeTime(Math.min(guest.since, now), now, trans),
    pathWords(guest.path, trans)
  );
  return (
    <li className="jp-Peers-row" title={guest.id}>
      <span className="jp-Peers-name">{name}</span>
      <span className="jp-Peers-muted" title={words}>
        {words}
      </span>
      <IconButton icon={closeIcon} label={trans.__('Drop %1', name)} onClick={drop} />
    </li>
  );
}
