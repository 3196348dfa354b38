import { Notification } from '@jupyterlab/apputils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentSwitch } from '../agents/switch';
import { notifyOfFailures } from '../notices/agentnotices';
import { notifyOfPanes } from '../notices/panenotices';
import { PairingModel } from '../pairing/model';
import { notifyOfPairing } from '../pairing/notice';
import { DEFAULT_SETTINGS } from '../settings';
import { CommandIDs } from '../tokens';
import { ADA, ownPane, peer } from './fakes';
import { answered, endSession, ISession, openSession, picture, say } from './session';

const bob = { node_id: peer().node_id, node_name: 'bob', alias: null };
const offer = { name: 'loss', title: 'Loss', grant: 'view' as const, since: 1, peer: bob };
const own = ownPane({ name: 'acc', title: 'Accuracy' });

let session: ISession;
let settings = DEFAULT_SETTINGS;
const markNews = vi.fn();
const shown = () => Notification.manager.notifications.map(({ message }) => message);
const panes = (data: unknown) => say({ event: 'panes', data });

beforeEach(() => {
  settings = DEFAULT_SETTINGS;
  markNews.mockClear();
});

afterEach(() => {
  Notification.dismiss();
  endSession(session);
});

async function start(): Promise<void> {
  session = await openSession(picture([peer()], { mine: [own], offered: [offer] }));
  notifyOfPanes(session.view, () => settings, markNews);
}

describe('notifications', () => {
  it('tell of a pane that a peer shares, once, and open it', async () => {
    await start();
    const openPane = vi.fn();
    session.view.commands.addCommand(CommandIDs.openPane, { execute: openPane });
    expect(shown()).toEqual([]);
    const fresh = { ...offer, name: 'roc', title: 'ROC', since: 2 };
    await panes({ mine: [own], offered: [offer, fresh] });
    await panes({ mine: [own], offered: [fresh, offer] });
    expect(shown()).toEqual(['bob shares “ROC” with you.']);
    expect(markNews).toHaveBeenCalledOnce();
    const [{ options }] = Notification.manager.notifications;
    options.actions![0].callback(new MouseEvent('click'));
    expect(openPane).toHaveBeenCalledWith(expect.objectContaining({ name: 'roc' }));
    await panes({ mine: [own], offered: [] });
    await panes({ mine: [own], offered: [fresh, offer] });
    expect(shown()).toEqual([]);
  });

  it('of a pane go once it is opened or no longer shared; one that is open comes back unsaid', async () => {
    await start();
    const fresh = { ...offer, name: 'roc', title: 'ROC', since: 2 };
    await panes({ mine: [], offered: [fresh] });
    session.model.setOpen([`${bob.node_id}/roc`]);
    expect(shown()).toEqual([]);
    await panes({ mine: [], offered: [] });
    await panes({ mine: [], offered: [{ ...fresh, since: 3 }] });
    expect(shown()).toEqual([]);
    expect(markNews).toHaveBeenCalledOnce();
    session.model.setOpen([]);
    await panes({ mine: [], offered: [{ ...fresh, since: 4 }] });
    expect(shown()).toEqual(['bob shares “ROC” with you.']);
    await panes({ mine: [], offered: [] });
    expect(shown()).toEqual([]);
  });

  it('tell of somebody who opens a pane for the first time', async () => {
    await start();
    const watched = { ...own, viewers: [{ ...bob, grant: 'view' }] };
    await panes({ mine: [watched], offered: [] });
    await panes({ mine: [own], offered: [] });
    await panes({ mine: [watched], offered: [] });
    expect(shown()).toEqual(['bob opened “Accuracy”.']);
  });

  it('tell of the first guest of a pane', async () => {
    await start();
    const guest = (id: string, name: string) => ({ id, name, since: 1, path: 'relay' });
    const guests = [guest('zoe', 'Zoë'), guest('kim', 'Kim')];
    const link = { id: 'l', pane: own.name, grant: 'view', expires: 9, max_guests: 20 };
    await say({ event: 'links', data: { links: [{ ...link, guests: [] }] } });
    await say({ event: 'links', data: { links: [{ ...link, guests: guests.slice(0, 1) }] } });
    await say({ event: 'links', data: { links: [{ ...link, guests }] } });
    expect(shown()).toEqual(['Zoë (guest) opened “Accuracy”.']);
  });

  it('begin with a capital letter for a guest without a name', async () => {
    await start();
    const link = { id: 'l', pane: own.name, grant: 'view', expires: 9, max_guests: 20 };
    const guests = [{ id: 'g', name: '', since: 1, path: 'relay' }];
    await say({ event: 'links', data: { links: [{ ...link, guests: [] }] } });
    await say({ event: 'links', data: { links: [{ ...link, guests }] } });
    expect(shown()).toEqual(['A guest opened “Accuracy”.']);
  });

  it('tell of panes that end with their kernel, at each end once', async () => {
    await start();
    const ended = { ...own, status: 'ended' as const };
    await panes({ mine: [own], offered: [offer] });
    await panes({ mine: [ended], offered: [offer] });
    await panes({ mine: [{ ...ended, rev: 2 }], offered: [offer] });
    expect(shown()).toEqual([
      'Peers see nothing new of “Accuracy”: the kernel has stopped. Run the cell again to go on.'
    ]);
    await panes({ mine: [own], offered: [offer] });
    expect(shown()).toEqual([]);
    await panes({ mine: [ended], offered: [offer] });
    expect(shown()).toHaveLength(1);
  });

  it('are not shown where the settings say so, and the panel is marked all the same', async () => {
    settings = { ...settings, notifyShared: false };
    await start();
    await panes({ mine: [], offered: [{ ...offer, name: 'new' }] });
    expect(shown()).toEqual([]);
    expect(markNews).toHaveBeenCalledOnce();
  });

  it('tell of a question at which an agent failed, once, and show the reason', async () => {
    session = await openSession();
    const showAgents = vi.fn();
    session.view.commands.addCommand(CommandIDs.showAgents, { execute: showAgents });
    const agents = new AgentSwitch(session.control);
    const failed = (at: number) => ({
      on: true,
      mode: 'read-only',
      default: 'helper',
      agents: [
        { name: 'helper', failure: { at, why: 'KeyError', peer: { ...bob, label: 'bob' } } }
      ],
      running: []
    });
    const isWanted = vi.fn(() => true);
    notifyOfFailures(agents, session.view, isWanted, markNews);
    await answered('agents', failed(1));
    await say({ event: 'agents', data: failed(1) });
    expect(shown()).toEqual([]);
    await say({ event: 'agents', data: failed(2) });
    await say({ event: 'agents', data: failed(2) });
    expect(shown()).toEqual(['Your agent helper failed when bob asked.']);
    const [{ options }] = Notification.manager.notifications;
    options.actions![0].callback(new MouseEvent('click'));
    expect(showAgents).toHaveBeenCalledOnce();
    isWanted.mockReturnValue(false);
    await say({ event: 'agents', data: failed(3) });
    expect(shown()).toHaveLength(1);
    expect(markNews).toHaveBeenCalledTimes(2);
  });

  it('tell of a peer that has redeemed an invite, and not of one that this page paired with', async () => {
    session = await openSession(picture([]));
    const pairing = new PairingModel(session.control);
    notifyOfPairing(session.view, pairing, () => true);
    const carl = peer({ node_id: 'carlcarlcarlcar2', node_name: 'carl' });
    await say({ event: 'peers', data: { self: ADA, peers: [peer()] } });
    expect(shown()).toEqual(['bob is paired with you now.']);
    const paired = pairing.pair('jpeer1:x', () => undefined);
    await answered('pair', { peer: carl });
    await paired;
    await say({ event: 'peers', data: { self: ADA, peers: [peer(), carl] } });
    expect(shown()).toHaveLength(1);
  });
});
