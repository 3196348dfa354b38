import { Clipboard } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PanelHeader, showDetails } from '../panel/header';
import { PeersPanel } from '../panel/panel';
import { Section } from '../section';
import { CommandIDs } from '../tokens';
import { ADA, FakeSocket, peer } from './fakes';
import {
  dialogButton,
  dialogClosed,
  endSession,
  ISession,
  newSession,
  openSession
} from './session';
import { picture, say, show } from './session';

let session: ISession;
const rename = vi.fn();

afterEach(() => endSession(session));

function addCommands({ view }: ISession): void {
  view.commands.addCommand(CommandIDs.rename, { label: 'Rename this node…', execute: rename });
  view.commands.addCommand(CommandIDs.details, {
    label: 'Fingerprint and addresses…',
    execute: () => showDetails(view)
  });
}

async function open(peers = [peer()]): Promise<void> {
  session = await openSession(picture(peers), addCommands);
  show(session, <PanelHeader />);
}

const click = (name: string) => fireEvent.click(screen.getByRole('button', { name }));

describe('the header of the panel', () => {
  it('says that it is loading, then who this node is', async () => {
    session = newSession();
    addCommands(session);
    show(session, <PanelHeader />);
    expect(screen.getByRole('status').textContent).toContain('Loading');
    await act(async () => {
      FakeSocket.last.accept();
      FakeSocket.last.answer(picture());
    });
    const node = within(screen.getByRole('region', { name: 'This node' }));
    node.getByText(ADA.node_name);
    node.getByText(ADA.node_id);
  });

  it('shows the fingerprint and addresses in a dialog', async () => {
    await open();
    click('Fingerprint and addresses…');
    await screen.findByText(ADA.fingerprint!);
    screen.getByText(ADA.addresses[0]);
    dialogButton('Close').click();
    await dialogClosed();
  });

  it('copies the node id', async () => {
    const copy = vi.spyOn(Clipboard, 'copyToSystem').mockImplementation(() => undefined);
    await open();
    click('Copy the node id');
    expect(copy).toHaveBeenCalledWith(ADA.node_id);
    screen.getByText('Copied to the clipboard');
  });

  it('offers to rename the node while the server is there', async () => {
    await open();
    click('Rename this node…');
    expect(rename).toHaveBeenCalledOnce();
    await act(async () => FakeSocket.last.fail());
    const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Rename this node…' });
    expect(button.disabled).toBe(true);
  });

  it('says what failed and what to do when the server extension is not running', async () => {
    session = newSession();
    show(session, <PanelHeader />);
    await act(async () => FakeSocket.last.fail());
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('jupyter server extension enable jupyter_peer');
    const before = FakeSocket.all.length;
    await act(async () => click('Try again'));
    expect(FakeSocket.all.length).toBe(before + 1);
  });

  it('says that contact with the own server is lost, and keeps what was known', async () => {
    await open();
    await act(async () => FakeSocket.last.fail());
    screen.getByText(/does not answer/);
    screen.getByText(ADA.node_name);
    const before = FakeSocket.all.length;
    await act(async () => click('Try now'));
    expect(FakeSocket.all.length).toBe(before + 1);
  });

  it('says aloud when a peer comes or goes', async () => {
    await open();
    await say({ event: 'peers', data: { self: ADA, peers: [peer({ status: 'offline' })] } });
    screen.getByText('bob: Offline');
  });
});

describe('the panel', () => {
  const sections = (panel: PeersPanel) => panel.widgets.map(each => each.title.label);

  async function withPanel(): Promise<PeersPanel> {
    session = await openSession();
    const panel = new PeersPanel(nullTranslator, session.model, vi.fn());
    Widget.attach(panel, document.body);
    return panel;
  }

  const section = (title: string) => new Section(title, session.view, () => <p>{title} here</p>);

  it('orders its sections by rank, whoever adds them first', async () => {
    const panel = await withPanel();
    panel.addSection(section('Rooms'), 40);
    panel.addSection(section('Peers'), 10);
    const nearby = section('Nearby');
    panel.showSection(nearby, 30, true);
    expect(sections(panel)).toEqual(['Peers', 'Nearby', 'Rooms']);
    panel.showSection(nearby, 30, true);
    panel.showSection(nearby, 30, false);
    expect(sections(panel)).toEqual(['Peers', 'Rooms']);
    panel.showSection(nearby, 30, true);
    await screen.findByText('Nearby here');
    expect(sections(panel)).toEqual(['Peers', 'Nearby', 'Rooms']);
    panel.dispose();
  });

  it('counts entries in the title of a section', async () => {
    const panel = await withPanel();
    const peers = section('Peers');
    panel.addSection(peers, 10);
    peers.count = 2;
    expect(sections(panel)).toEqual(['Peers (2)']);
    peers.count = 0;
    expect(sections(panel)).toEqual(['Peers']);
    panel.dispose();
  });

  it('unfolds the section that is to be seen', async () => {
    const panel = await withPanel();
    const peers = section('Peers');
    panel.addSection(peers, 10);
    fireEvent.click(screen.getByText('Peers'));
    await waitFor(() => expect(peers.isVisible).toBe(false));
    panel.reveal(peers);
    expect(peers.isVisible).toBe(true);
    panel.dispose();
  });

  it('shows no sections before anything is known', async () => {
    session = newSession();
    const panel = new PeersPanel(nullTranslator, session.model, vi.fn());
    expect(panel.content.isHidden).toBe(true);
    FakeSocket.last.accept();
    FakeSocket.last.answer(picture());
    await waitFor(() => expect(panel.content.isHidden).toBe(false));
    panel.dispose();
  });
});
