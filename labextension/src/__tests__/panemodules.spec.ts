import { expect, it, vi } from 'vitest';
import { PaneModules } from '../panemodules';

it('hands the frame each module once, or why it cannot be had, and begins anew with the frame', async () => {
  const get = vi.fn(async (name: string) => {
    if (name === 'none') {
      throw new Error('ada has no module none');
    }
    return `code of ${name}`;
  });
  const tell = vi.fn();
  const modules = new PaneModules(get, tell, reason => `WEIL ${(reason as Error).message}`);
  await Promise.all(['plots', 'plots', 'none'].map(name => modules.give(name)));
  expect(tell.mock.calls).toEqual([
    [{ type: 'module', name: 'plots', code: 'code of plots', why: '' }],
    [{ type: 'module', name: 'none', code: null, why: 'WEIL ada has no module none' }]
  ]);
  expect(modules.hasFailed).toBe(true);
  modules.reset();
  expect(modules.hasFailed).toBe(false);
  await modules.give('plots');
  expect(get).toHaveBeenCalledTimes(3);
});

it('asks the owner for no more modules than a pane needs', async () => {
  const get = vi.fn(async () => '');
  const modules = new PaneModules(get, () => undefined);
  await Promise.all(Array.from({ length: 100 }, (_, at) => modules.give(`m${at}`)));
  expect(get).toHaveBeenCalledTimes(32);
});
