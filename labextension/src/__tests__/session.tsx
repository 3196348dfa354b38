/** What a plugin gets of the page: commands, a session whose server the test plays, and views. */

import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { act, cleanup, render, waitFor } from '@testing-library/react';
import * as React from 'react';
import { expect } from 'vitest';
import { IView, ViewContext } from '../context';
import { ControlSocket } from '../control';
import { PeersModel } from '../model';
import { IPeerSession } from '../tokens';
import { ADA, FakeSocket, NO_PANES, peer, serverSettings } from './fakes';

export interface ISession extends IPeerSession {
  view: IView;
}

export const trans = nullTranslator.load('jupyter_peer');

/** What the server answers when the socket opens. */
export function picture(peers = [peer()], panes = NO_PANES) {
  return { identity: ADA, peers: { self: ADA, peers }, panes, links: { links: [] } };
}

/** A session whose socket has not opened; a REST path that is asked for is in `rest`. */
export function newSession(rest: Record<string, unknown> = {}): ISession {
  const settings = serverSettings(rest);
  const control = new ControlSocket(settings);
  const model = new PeersModel(settings, control);
  return { control, model, view: { commands: new CommandRegistry(), model, trans } };
}

/** A session whose socket is open and whose server has told the picture. */
export async function openSession(
  results: Record<string, unknown> = picture(),
  prepare: (session: ISession) => void = () => undefined
): Promise<ISession> {
  const session = newSession();
  prepare(session);
  await act(async () => {
    FakeSocket.last.accept();
    FakeSocket.last.answer({ ...picture(), ...results });
  });
  return session;
}

export function endSession(session: ISession): void {
  cleanup();
  session.model.dispose();
  session.control.dispose();
}

export function show(session: ISession, element: React.ReactElement): void {
  render(<ViewContext.Provider value={session.view}>{element}</ViewContext.Provider>);
}

export const say = (frame: unknown) => act(async () => FakeSocket.last.say(frame));

/** The oldest request of an operation that was not looked at yet. */
export async function asked(op: string): Promise<{ id: number; params: Record<string, unknown> }> {
  return waitFor(() => {
    const found = FakeSocket.last.sent.find(each => each.op === op);
    expect(found).toBeDefined();
    FakeSocket.last.sent.splice(FakeSocket.last.sent.indexOf(found!), 1);
    return found!;
  });
}

export async function answered(op: string, result: unknown): Promise<Record<string, unknown>> {
  const { id, params } = await asked(op);
  await say({ id, result });
  return params;
}

/** The dialog that is open. */
export const dialog = () => document.querySelector<HTMLElement>('.jp-Dialog')!;

export const dialogButton = (label: string) =>
  [...document.querySelectorAll<HTMLButtonElement>('.jp-Dialog-footer button')].find(
    each => each.textContent === label
  )!;

export async function dialogClosed(): Promise<void> {
  await waitFor(() => expect(dialog()).toBeNull());
}
