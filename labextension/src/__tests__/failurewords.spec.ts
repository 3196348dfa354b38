import { nullTranslator, TranslationBundle } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import { failureTexts } from '../failures';
import { badStatus } from '../ownfailures';
import { phrases } from '../phrases';
import { PeerError } from '../requests';
import { IFinding } from '../shapes';
import { failureLine, failureWords, findingWords } from '../wording';

const english = nullTranslator.load('jupyter_peer');
// A language in which everything is written in capitals, for what its translators have done so far.
const shouted = (except: string[] = []): TranslationBundle =>
  ({
    ...english,
    __: (text: string, ...args: string[]) =>
      english.__(except.includes(text) ? text : text.toUpperCase(), ...args)
  }) as TranslationBundle;
const offline = {
  code: 'not_connected',
  message: 'bob is not connected',
  hint: 'this node reconnects by itself when the peer is back',
  message_phrase: { template: '%1 is not connected', params: ['bob'] }
};

describe('a failure', () => {
  it('is told in English as the server tells it', () => {
    expect(failureLine(offline, english)).toBe(
      'Bob is not connected. This node reconnects by itself when the peer is back.'
    );
    expect(failureLine({ code: 'new', message: 'no', hint: '' }, english)).toBe('No.');
    const command = { code: 'new', message: 'write %%peer share, 5 %1', hint: '' };
    expect(failureLine(command, english)).toBe('Write %%peer share, 5 %1.');
  });

  it('is told in another language, with its names as they are', () => {
    expect(failureWords(offline, shouted())).toEqual({
      message: 'Bob IS NOT CONNECTED.',
      hint: 'THIS NODE RECONNECTS BY ITSELF WHEN THE PEER IS BACK.'
    });
  });

  it('is told by its code if its own words are not translated', () => {
    const theirs = { code: 'not_connected', message: 'bob is not here', hint: 'ask bob' };
    expect(failureWords(theirs, shouted(['bob is not here', 'ask bob']))).toEqual({
      message: 'THIS PEER IS NOT CONNECTED (bob is not here).',
      hint: 'Ask bob.'
    });
  });

  it('has its general texts built once for a translator', () => {
    expect(failureTexts(english)).toBe(failureTexts(english));
  });

  it('of the page itself is told in another language, hint included', () => {
    expect(failureWords(new PeerError(badStatus(502)), shouted())).toEqual({
      message: 'YOUR JUPYTER SERVER ANSWERED WITH STATUS 502.',
      hint: 'ITS LOG MAY SAY WHY.'
    });
    expect(failureLine(new PeerError(badStatus(502)), english)).toBe(
      'Your Jupyter server answered with status 502. Its log may say why.'
    );
  });

  it('stays English where nobody has translated it yet', () => {
    const text = failureTexts(english)['not_connected'];
    const untranslated = shouted([text, offline.message_phrase.template]);
    expect(failureWords(offline, untranslated).message).toBe('Bob is not connected.');
  });
});

describe('a finding', () => {
  const finding: IFinding = {
    check: 'path',
    title: 'Path',
    subject: '',
    status: 'failed',
    text: 'bob is offline.',
    hint: '%peer connect bobbobbobbobbob2 tries now',
    text_phrase: { template: '%1 is %2.', params: ['bob', { template: 'offline' }] },
    hint_phrase: { template: '“Connect” in the menu of %1 tries now', params: ['bob'] }
  };

  it('is told in the language of the page, with what a person can click', () => {
    const [text, hint] = ['bob is offline.', '“Connect” in the menu of bob tries now'];
    expect(findingWords(finding, english)).toEqual({ title: 'Path', text, hint });
    expect(findingWords(finding, shouted())).toEqual({
      title: 'PATH',
      text: 'bob IS OFFLINE.',
      hint: '“CONNECT” IN THE MENU OF bob TRIES NOW'
    });
  });

  it('of an error begins with a capital letter', () => {
    const text_phrase = { template: '%1.', params: [{ template: 'the lobby does not answer' }] };
    const failed = { ...finding, text_phrase };
    expect(findingWords(failed, english).text).toBe('The lobby does not answer.');
  });

  it('of an older server is told as that server tells it', () => {
    const { check, subject, status, text, hint } = finding;
    const older = { check, subject, status, text, hint };
    expect(findingWords(older, english)).toEqual({ title: check, text, hint });
  });
});

it('the translators find every sentence of the server', () => {
  const found: string[] = [];
  phrases({ ...english, __: (text: string) => found.push(text) } as unknown as TranslationBundle);
  expect(found).toContain('%1 is not connected');
  expect(new Set(found).size).toBe(found.length);
  // What is shown to somebody with a mouse names no command of a notebook.
  expect(found.filter(text => /%peer/.test(text))).toEqual([]);
});
