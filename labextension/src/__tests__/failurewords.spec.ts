import { nullTranslator, TranslationBundle } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import { failureTexts } from '../failures';
import { failureLine, failureWords } from '../wording';

const english = nullTranslator.load('jupyter_peer');
// A language in which everything is written in capitals, for what its translators have done so far.
const shouted = (except = ''): TranslationBundle =>
  ({
    ...english,
    __: (text: string) => (text === except ? text : text.toUpperCase())
  }) as TranslationBundle;
const offline = {
  code: 'not_connected',
  message: 'bob is not connected',
  hint: 'this node reconnects by itself when the peer is back'
};

describe('a failure', () => {
  it('is told in English as the server tells it', () => {
    expect(failureLine(offline, english)).toBe(
      'Bob is not connected. This node reconnects by itself when the peer is back.'
    );
    expect(failureLine({ code: 'new', message: 'no', hint: '' }, english)).toBe('No.');
  });

  it('is told in another language by its code, with what the server adds', () => {
    expect(failureWords(offline, shouted())).toEqual({
      message: 'THIS PEER IS NOT CONNECTED (bob is not connected).',
      hint: 'THIS NODE RECONNECTS BY ITSELF WHEN THE PEER IS BACK.'
    });
    const general = { ...offline, message: 'this peer is not connected', hint: 'ask bob' };
    expect(failureLine(general, shouted())).toBe('THIS PEER IS NOT CONNECTED. Ask bob.');
    expect(failureLine({ code: 'new', message: 'no', hint: '' }, shouted())).toBe('No.');
  });

  it('stays English where nobody has translated it yet', () => {
    const [text] = failureTexts(english)['not_connected'];
    expect(failureWords(offline, shouted(text)).message).toBe('Bob is not connected.');
  });
});
