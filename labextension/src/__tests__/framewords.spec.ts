import { Gettext } from '@jupyterlab/translation';
import { expect, it } from 'vitest';
import { frameWords } from '../framewords';

it('leaves open in the frame’s words what only the frame knows', () => {
  // As JupyterLab translates, not as the stand-in without languages does.
  const words = frameWords(new Gettext({ locale: 'en', domain: 'jupyter_peer' }));
  expect(words.blocked).toBe('Not loaded, since a pane has no network: %1');
  expect(words.noModule).toContain(' %1 ');
  expect(Object.values(words).join()).not.toContain('undefined');
});
