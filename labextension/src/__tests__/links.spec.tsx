import { fireEvent, screen, within } from '@testing-library/react';
import * as React from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import { makeLink } from '../links/dialog';
import { LinkList } from '../links/list';
import { LinksModel } from '../links/model';
import { reachOf, whoCanOpen } from '../links/words';
import { ILink } from '../shapes';
import { reachState } from './fakes';
import { answered, dialog, dialogButton, dialogClosed, endSession } from './session';
import { ISession, openSession, picture, say, show as draw, trans } from './session';

const EXPIRES = Date.now() / 1000 + 8 * 3600;
const QR = '<svg xmlns="http://www.w3.org/2000/svg"></svg>';

let session: ISession;
let links: LinksModel;

afterEach(() => {
  dialogButton('Done')?.click();
  endSession(session);
});

async function start(all: ILink[] = []): Promise<void> {
  session = await openSession({ ...picture(), links: { links: all } }, ({ control }) => {
    links = new LinksModel(control);
  });
}

function link(change: Partial<ILink> = {}): ILink {
  return {
    id: '0011223344556677',
    pane: 'loss',
    grant: 'view',
    expires: EXPIRES,
    max_guests: 20,
    guests: [{ id: 'zoezoezoezoezoe2', name: 'Zoë', since: EXPIRES - 9e4, path: 'relay' }],
    ...change
  };
}

const minted = (host: string) => ({
  link: `http://${host}/s/0011223344556677#v1.secret.key`,
  id: '0011223344556677',
  expires: EXPIRES,
  qr: QR
});

describe('a new link', () => {
  it('is made for as long and as many as the person chose, and shown with a QR code', async () => {
    await start();
    const making = makeLink(session.view, links, 'loss', 'Loss');
    fireEvent.change(await screen.findByLabelText('The link works for'), {
      target: { value: '1h' }
    });
    fireEvent.change(screen.getByLabelText('People at once'), { target: { value: '20' } });
    fireEvent.change(screen.getByLabelText('They can'), { target: { value: 'interact' } });
    dialogButton('Make link').click();
    expect(await answered('link', minted('relay.example'))).toEqual({
      pane: 'loss',
      grant: 'interact',
      ttl_s: 3600,
      max_guests: 20,
      qr: true
    });
    const text = await screen.findByLabelText<HTMLTextAreaElement>('The link');
    expect(text.value).toBe(minted('relay.example').link);
    screen.getByText(
      'Anyone who has this link and reaches relay.example can see and use this output.'
    );
    const qr = screen.getByAltText<HTMLImageElement>('QR code of the link');
    expect(decodeURIComponent(qr.src)).toContain(QR);
    expect(dialog().textContent).not.toContain('No other computer can reach you');
    dialogButton('Done').click();
    await making;
    await dialogClosed();
  });

  it('that no other computer can open says so, and offers the switch', async () => {
    await start();
    void makeLink(session.view, links, 'loss', 'Loss');
    await screen.findByLabelText('People at once');
    dialogButton('Make link').click();
    await answered('link', minted('127.0.0.1:8888'));
    await screen.findByText('Only browsers on this computer can open this link.');
    fireEvent.click(screen.getByText('Open to this network'));
    expect(await answered('set_reach', reachState({ mode: 'network' }))).toEqual({
      mode: 'network'
    });
    await answered('link', { ...minted('192.168.1.20:9797'), id: '8899aabbccddeeff' });
    expect(await answered('unlink', {})).toEqual({ id: '0011223344556677' });
    await screen.findByText('Anyone in your network who has this link can see this output.');
    expect(screen.getByLabelText<HTMLTextAreaElement>('The link').value).toContain('192.168.1.20');
  });
});

describe('the links in the panel', () => {
  it('say who has each open, since when and by which path', async () => {
    await start([link(), link({ id: '8899aabbccddeeff', pane: 'other', guests: [] })]);
    draw(session, <LinkList links={links} />);
    const guests = screen.getByRole('list', { name: 'Who has loss open' });
    expect(guests.textContent).toMatch(/Zoë.*since .*by the relay/);
    screen.getByText(/^1 of 20 open · can view · expires/);
    screen.getByText(/^0 of 20 open/);
  });

  it('are dropped and stopped there, and follow the server', async () => {
    await start([link()]);
    draw(session, <LinkList links={links} />);
    fireEvent.click(screen.getByRole('button', { name: 'Drop Zoë' }));
    expect(await answered('drop_guest', {})).toEqual({
      id: '0011223344556677',
      guest: 'zoezoezoezoezoe2'
    });
    await say({ event: 'links', data: { links: [link({ guests: [] })] } });
    expect(screen.queryByText('Zoë')).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Stop the link to loss' }));
    expect(await answered('unlink', {})).toEqual({ id: '0011223344556677' });
    await say({ event: 'links', data: { links: [] } });
    expect(within(screen.getByRole('list', { name: 'Links' })).queryAllByRole('listitem')).toEqual(
      []
    );
  });

  it('show what a guest calls itself as text', async () => {
    const name = '<img src=x onerror=alert(1)>';
    await start([link({ guests: [{ ...link().guests[0], name }] })]);
    draw(session, <LinkList links={links} />);
    screen.getByText(name);
    expect(document.querySelector('img')).toBeNull();
  });
});

describe('who can open a link', () => {
  it.each([
    ['127.0.0.1:8888', 'computer'],
    ['localhost:8888', 'computer'],
    ['[::1]:8888', 'computer'],
    ['192.168.1.20:9797', 'network'],
    ['10.1.2.3', 'network'],
    ['172.20.0.1', 'network'],
    ['[fd12::1]:9797', 'network'],
    ['ada.local:9797', 'network'],
    ['172.32.0.1', 'anywhere'],
    ['relay.example', 'anywhere'],
    ['[2001:db8::1]:9797', 'anywhere']
  ])('follows from its host: %s', (host, reach) => {
    expect(reachOf(`http://${host}/s/x#v1.a.b`)).toBe(reach);
    expect(whoCanOpen(`http://${host}/s/x#v1.a.b`, 'view', trans)).toMatch(/\.$/);
  });
});
