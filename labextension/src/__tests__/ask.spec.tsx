import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import { Questions } from '../ask/model';
import { AskView } from '../ask/view';
import { AnswerFrame } from '../ask/frame';
import { FakeSocket, peer } from './fakes';
import { answered, asked, endSession, ISession, openSession, picture, say, show } from './session';

const BOB = peer();
const HELPER = { name: 'helper', description: 'Looks things up.', default: true };
const PLOTTER = { name: 'plotter', description: 'Draws.', default: false };

let session: ISession;

afterEach(() => endSession(session));

const makeFrame = () =>
  new AnswerFrame(ServerConnection.makeSettings(), nullTranslator.load('jupyter_peer'));

async function open(change = {}): Promise<void> {
  const bob = { ...BOB, ...change };
  session = await openSession(picture([bob]));
  const questions = new Questions(session.control, bob.node_id);
  show(session, <AskView questions={questions} peer={bob} makeFrame={makeFrame} />);
}

const field = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Ask bob' });
const log = () => screen.getByRole('log', { name: 'Answers of bob' });
const texts = () =>
  within(log())
    .queryAllByText(() => true, { selector: '.jp-Peers-lineText' })
    .map(each => each.textContent);

async function ask(question: string): Promise<{ id: number; params: Record<string, unknown> }> {
  fireEvent.change(field(), { target: { value: question } });
  fireEvent.keyDown(field(), { key: 'Enter' });
  return asked('ask');
}

describe('a question to an agent of a peer', () => {
  it('is answered piece by piece, as text, and says while the owner is asked', async () => {
    await open();
    const { id, params } = await ask('which step?');
    expect(params).toMatchObject({ peer: BOB.node_id, prompt: 'which step?', agent: null });
    expect(params.stream).toBe(true);
    expect(field().value).toBe('');
    await say({ id, progress: { text: '', display: null, waiting: true } });
    expect(log().textContent).toContain('bob · waits for a yes of bob');
    await say({ id, progress: { text: '<img src=x ', display: null, waiting: false } });
    expect(log().textContent).toContain('bob · answering…');
    await say({ id, progress: { text: 'onerror=alert(1)>', display: null, waiting: false } });
    await say({ id, result: { answer: '' } });
    expect(texts()).toEqual(['which step?', '<img src=x onerror=alert(1)>']);
    expect(log().textContent).toContain('bob · answered');
    expect(log().querySelector('img')).toBeNull();
  });

  it('shows what an agent displays in a frame of its own, between the texts', async () => {
    await open();
    const { id } = await ask('draw');
    const html = { data: { 'text/html': '<img src=x onerror=alert(1)>' }, metadata: {} };
    await say({ id, progress: { text: 'before', display: null, waiting: false } });
    await say({ id, progress: { text: '<a page>', display: html, waiting: false } });
    await say({ id, progress: { text: '<a page>', display: html, waiting: false } });
    await say({ id, progress: { text: 'after', display: null, waiting: false } });
    await say({ id, result: { answer: '' } });
    expect(texts()).toEqual(['draw', 'before', 'after']);
    const frames = log().querySelectorAll('iframe');
    expect([...frames].map(each => each.getAttribute('sandbox'))).toEqual(['allow-scripts']);
    expect(log().querySelector('img')).toBeNull();
    expect(
      frames[0].closest('.jp-Peers-answerFrame')?.parentElement?.previousSibling?.textContent
    ).toBe('before');
  });

  it('follows on the one before', async () => {
    await open();
    const first = await ask('one?');
    await say({ id: first.id, result: { answer: '1' } });
    const second = await ask('and before that?');
    expect(first.params.conversation).toMatch(/^[0-9a-f]{32}$/);
    expect(second.params.conversation).toBe(first.params.conversation);
  });

  it('is stopped here and at the peer, and another can be asked', async () => {
    await open();
    const { id } = await ask('how long?');
    await say({ id, progress: { text: 'very', display: null, waiting: false } });
    fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
    expect((await asked('cancel')).params).toEqual({ request: id });
    await waitFor(() => expect(log().textContent).toContain('bob · stopped'));
    await say({ id, progress: { text: ' long', display: null, waiting: false } });
    expect(texts()).toEqual(['how long?', 'very']);
    expect(screen.queryByRole('alert')).toBeNull();
    await ask('now?');
  });

  it('says why it failed and what to do, and is back in the field', async () => {
    await open();
    const { id } = await ask('may I?');
    const error = { code: 'busy', message: 'bob is answering others', hint: 'ask again later' };
    await say({ id, error });
    const alert = screen.getByRole('alert').textContent;
    expect(alert).toContain('Bob is answering others.');
    expect(alert).toContain('Ask again later.');
    expect(log().textContent).toContain('bob · failed');
    expect(field().value).toBe('may I?');
  });

  it('goes to the agent that was chosen, where there is more than one', async () => {
    await open();
    expect(await answered('peer_agents', { agents: [PLOTTER, HELPER] })).toEqual({
      peer: BOB.node_id
    });
    const choice = screen.getByRole<HTMLSelectElement>('combobox', { name: 'Agent' });
    expect(choice.value).toBe('helper');
    fireEvent.change(choice, { target: { value: 'plotter' } });
    expect((await ask('draw')).params.agent).toBe('plotter');
    expect(log().textContent).toContain('plotter of bob · answering…');
  });

  it('has no choice where there is one agent', async () => {
    await open();
    await answered('peer_agents', { agents: [HELPER] });
    expect(screen.queryByRole('combobox', { name: 'Agent' })).toBeNull();
  });

  it('waits ten minutes for an answer, or as long as was chosen', async () => {
    await open();
    const first = await ask('what?');
    expect(first.params.timeout_s).toBe(600);
    await say({ id: first.id, result: { answer: '1' } });
    const choice = screen.getByRole<HTMLSelectElement>('combobox', { name: 'Wait' });
    expect([...choice.options].map(each => each.text)).toEqual(['1 min', '10 min', '1 h']);
    fireEvent.change(choice, { target: { value: '3600' } });
    expect((await ask('all of it?')).params.timeout_s).toBe(3600);
  });

  it('comes with the reason, before it is asked, why a peer answers nobody', async () => {
    await open();
    const { id } = await asked('peer_agents');
    await say({ id, error: { code: 'not_enabled', message: 'no agent answers', hint: 'ask bob' } });
    expect(screen.getByRole('alert').textContent).toContain('No agent answers.');
  });

  it('is not sent to a peer that is away', async () => {
    await open({ status: 'offline' });
    screen.getByText('bob is not connected and cannot be asked.');
    fireEvent.change(field(), { target: { value: 'hello?' } });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Ask' }).disabled).toBe(true);
    expect(FakeSocket.last.sent.filter(each => each.op === 'peer_agents')).toEqual([]);
  });
});
