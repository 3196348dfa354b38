import type { CodeCell } from '@jupyterlab/cells';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { doubts, nameOf, outputAt, panesOf, titleOf } from '../sharing/cells';
import { ownPane } from './fakes';

function cell(source: string): CodeCell {
  return { model: { sharedModel: { source } } } as unknown as CodeCell;
}

it.each([
  ['import a\n# Loss of the run\nplot()', 'Loss of the run'],
  ['import a\nfrom b import c\n\nplot()', 'plot()'],
  ['%%time\nx', 'x'],
  ['', ''],
  ['y'.repeat(60), 'y'.repeat(60)],
  ['y'.repeat(99), `${'y'.repeat(59)}…`]
])('takes a title from %j', (source, title) => {
  expect(titleOf(cell(source))).toBe(title);
});

it.each([
  ['Loss of the run', [], 'loss-of-the-run'],
  ['Loss', ['loss', 'loss-2'], 'loss-3'],
  ['损失', [], 'output'],
  ['--a--', [], 'a']
])('makes a free name of %j', (title, taken, name) => {
  expect(nameOf(title, taken)).toBe(name);
});

it('finds the panes that stay with a cell, and not with that of a copy of its notebook', () => {
  const pane = ownPane({ cell_id: 'c', path: 'a.ipynb' });
  const panes = [pane, { ...pane, name: 'plot', output: 1 }];
  expect(panesOf(panes, 'a.ipynb', 'c')).toEqual(panes);
  expect(panesOf(panes, 'a.ipynb', 'd')).toEqual([]);
  expect(panesOf(panes, 'a-Copy1.ipynb', 'c')).toEqual([]);
});

it('counts the output that was clicked, where a cell has several', () => {
  const shown = ['a', 'b'].map(text => {
    const node = document.createElement('div');
    node.innerHTML = `<pre>${text}</pre>`;
    return { node };
  });
  const outputs = (length: number) =>
    ({
      model: { outputs: { length } },
      outputArea: { widgets: shown.slice(0, length) }
    }) as unknown as CodeCell;
  const clicked = shown[1].node.firstElementChild!;
  expect(outputAt(outputs(2), clicked)).toBe(1);
  expect(outputAt(outputs(2), document.body)).toBeNull();
  expect(outputAt(outputs(2), undefined)).toBeNull();
  expect(outputAt(outputs(1), shown[0].node)).toBeNull();
});

it.each([
  ['api_key = abc', true],
  ['"password": "x"', true],
  ['-----BEGIN RSA PRIVATE KEY-----', true],
  ['AKIA1234567890ABCDEF', true],
  ['tokens per second 12', false],
  ['loss 0.1', false]
])('doubts %j: %s', (text, secret) => {
  expect(doubts([{ output_type: 'stream', name: 'stdout', text }]).secret).toBe(secret);
});

const { secret_names, plain_names, secret_texts, plain_texts } = JSON.parse(
  ts.sys.readFile('../tests/vectors/secrets.json') ?? ''
) as Record<string, string[]>;

it('looks for the same secrets as the server', () => {
  const isDoubtful = (text: string) =>
    doubts([{ output_type: 'stream', name: 'stdout', text: `it is\n${text}\n` }]).secret;
  const named = (name: string) => `${name} = 1`;
  expect([...secret_names.map(named), ...secret_texts].filter(each => !isDoubtful(each))).toEqual(
    []
  );
  expect([...plain_names.map(named), ...plain_texts].filter(isDoubtful)).toEqual([]);
});

it('doubts a traceback', () => {
  const error = { output_type: 'error', ename: 'E', evalue: '', traceback: [] };
  expect(doubts([error]).error).toBe(true);
});
