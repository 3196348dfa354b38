import { act, fireEvent, screen, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OwnPanes } from '../panes/mine';
import { OfferedPanes, openMagic } from '../panes/offered';
import { statusWords } from '../status/plugin';
import { CommandIDs } from '../tokens';
import { IPaneLists } from '../shapes';
import { ownPane, peer } from './fakes';
import { endSession, ISession, openSession, picture, say, show, trans } from './session';

let session: ISession;
const openPane = vi.fn();
const setGrant = vi.fn(async () => undefined);

afterEach(() => endSession(session));

const bob = { node_id: peer().node_id, node_name: 'bob', alias: null };
const offered = [
  { name: 'acc', title: 'Accuracy', grant: 'view' as const, since: 1, peer: bob },
  {
    name: 'roc',
    title: '',
    grant: 'interact' as const,
    since: 1,
    peer: { ...bob, alias: 'my bob' }
  }
];
const mine = [
  ownPane({ title: 'Loss', viewers: [{ ...bob, grant: 'view' as const }] }),
  ownPane({ name: 'raw' }),
  ownPane({ name: 'two', grants: { a: 'view', b: 'view' } })
];

const dropPane = vi.fn();

async function open(
  element: React.ReactElement,
  panes: IPaneLists = { mine, offered }
): Promise<void> {
  session = await openSession(picture([peer()], panes), ({ view }) =>
    view.commands.addCommand(CommandIDs.openPane, { execute: openPane })
  );
  show(session, element);
}

describe('panes', () => {
  it('of this node are listed with who is watching', async () => {
    await open(<OwnPanes setGrant={setGrant} />);
    const list = within(screen.getByRole('list', { name: 'Panes that I share' }));
    expect(list.getAllByRole('listitem').map(each => each.textContent)).toEqual([
      'LossWatching: bob',
      'rawNo peer can view it',
      'two2 peers can view it'
    ]);
  });

  it('of this node tell of links, and of the guests who watch by one', async () => {
    await open(<OwnPanes setGrant={setGrant} />);
    const link = (pane: string, names: string[]) => ({
      id: `link-${pane}`,
      pane,
      grant: 'view',
      expires: 9,
      max_guests: 20,
      guests: names.map(name => ({ id: `guest-${name}`, name, since: 1, path: 'relay' }))
    });
    const links = [link('loss', ['bob', '']), link('raw', []), link('two', [])];
    await say({ event: 'links', data: { links } });
    const list = within(screen.getByRole('list', { name: 'Panes that I share' }));
    expect(list.getAllByRole('listitem').map(each => each.textContent)).toEqual([
      'LossWatching: bob, bob (guest), a guest',
      'rawAnyone with the link can view it',
      'two2 peers and anyone with the link can view it'
    ]);
    expect(statusWords(session.model.state, false, trans)).toBe('3 shared · 3 people are watching');
  });

  it('of this node say who may do what, and change it', async () => {
    await open(<OwnPanes setGrant={setGrant} />);
    fireEvent.click(screen.getByRole('button', { name: /^Loss/ }));
    const choice = screen.getByRole('combobox', { name: 'What bob can do with Loss' });
    expect((choice as HTMLSelectElement).value).toBe('none');
    screen.getByText('watching');
    fireEvent.change(choice, { target: { value: 'interact' } });
    expect(setGrant).toHaveBeenCalledWith('loss', bob.node_id, 'interact');
  });

  it('of this node keep the focus while a grant changes, one change at a time', async () => {
    setGrant.mockClear();
    let settle = () => {};
    setGrant.mockImplementation(() => new Promise(resolve => (settle = () => resolve(undefined))));
    await open(<OwnPanes setGrant={setGrant} />);
    fireEvent.click(screen.getByRole('button', { name: /^Loss/ }));
    const choice = screen.getByRole('combobox', { name: 'What bob can do with Loss' });
    const busy = () => choice.getAttribute('aria-disabled');
    fireEvent.change(choice, { target: { value: 'interact' } });
    expect([busy(), (choice as HTMLSelectElement).disabled]).toEqual(['true', false]);
    fireEvent.change(choice, { target: { value: 'view' } });
    expect(setGrant).toHaveBeenCalledOnce();
    await act(async () => settle());
    expect(busy()).toBe('false');
    fireEvent.change(choice, { target: { value: 'view' } });
    expect(setGrant).toHaveBeenCalledTimes(2);
    await act(async () => settle());
  });

  it('of this node count only who can view them: not a peer that is blocked', async () => {
    const panes = { mine: [{ ...mine[1], grants: { [bob.node_id]: 'view' as const } }], offered };
    session = await openSession(picture([peer({ blocked: true, status: 'blocked' })], panes));
    show(session, <OwnPanes setGrant={setGrant} />);
    fireEvent.click(screen.getByRole('button', { name: 'raw No peer can view it' }));
    screen.getByText('blocked');
  });

  it('of this node say that they have ended', async () => {
    await open(<OwnPanes setGrant={setGrant} />, {
      mine: [{ ...mine[1], status: 'ended' }],
      offered: []
    });
    screen.getByText('Ended: its kernel has stopped');
  });

  it('of this node say that a cell has failed, and who sees it', async () => {
    await open(<OwnPanes setGrant={setGrant} />, {
      mine: [{ ...mine[0], failed: true }],
      offered: []
    });
    screen.getByText('Error in its cell · Watching: bob');
  });

  it('of peers are listed with what the grant allows, and open', async () => {
    await open(<OfferedPanes openPane={dropPane} />);
    const list = within(screen.getByRole('list', { name: 'Panes shared with me' }));
    expect(list.getAllByRole('listitem').map(each => each.textContent)).toEqual([
      'Accuracybob · can view',
      'rocmy bob · can use'
    ]);
    fireEvent.click(list.getByRole('button', { name: 'Open Accuracy of bob' }));
    expect(openPane).toHaveBeenCalledWith({ peer: bob.node_id, name: 'acc' });
  });

  it('have a menu with what else can be done', async () => {
    await open(<OfferedPanes openPane={dropPane} />);
    fireEvent.contextMenu(screen.getByText('Accuracy'));
    const [entry] = document.querySelectorAll('.lm-Menu-item');
    fireEvent.mouseMove(entry);
    fireEvent.mouseUp(entry);
    expect(openPane).toHaveBeenCalledWith({ peer: bob.node_id, name: 'acc' });
  });

  it('say how to open them in a notebook', async () => {
    await open(<OfferedPanes openPane={dropPane} />);
    expect(offered.map(openMagic)).toEqual(['%peer open bob/acc', `%peer open ${bob.node_id}/roc`]);
  });

  it('say how to share when there are none', async () => {
    await open(<OwnPanes setGrant={setGrant} />, { mine: [], offered: [] });
    screen.getByText(/Share Output with a Peer…/);
  });
});

describe('the status bar', () => {
  it('says what is shared, who watches and that peers may ask', async () => {
    await open(<></>);
    expect(statusWords(session.model.state, true, trans)).toBe(
      '3 shared · bob is watching · agent on'
    );
    expect(statusWords(session.model.state, false, trans)).toBe('3 shared · bob is watching');
  });

  it('counts neither a pane that has ended nor who still looks at it', async () => {
    await open(<></>, { mine: [{ ...mine[0], status: 'ended' }], offered: [] });
    expect(statusWords(session.model.state, false, trans)).toBe('1 peer');
  });

  it('counts peers where nothing is shared', async () => {
    await open(<></>, { mine: [], offered: [] });
    expect(statusWords(session.model.state, false, trans)).toBe('1 peer');
  });

  it('says nothing while nothing is connected or shared', async () => {
    session = await openSession(picture([peer({ status: 'offline' })]));
    expect(statusWords(session.model.state, false, trans)).toBe('');
  });
});
