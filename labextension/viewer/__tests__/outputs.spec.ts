import { describe, expect, it } from 'vitest';
import { OutputList } from '../outputs';

const message = (msg_type: string, content: object) => ({ msg_type, content });
const print = (text: string, name = 'stdout') => message('stream', { name, text });
const show = (text: string, display_id?: string) =>
  message('display_data', {
    data: { 'text/plain': text },
    metadata: {},
    transient: { display_id }
  });
const update = (text: string, display_id: string) =>
  message('update_display_data', {
    data: { 'text/plain': text },
    metadata: {},
    transient: { display_id }
  });
const clear = (wait: boolean) => message('clear_output', { wait });

function folded(...messages: object[]): OutputList {
  const list = new OutputList();
  list.take({ epoch: 'e', rev: 0, outputs: [] });
  list.take({ epoch: 'e', rev: 1, prev: 0, messages });
  return list;
}

const texts = (list: OutputList) =>
  list.items.map(item => item.text ?? item.evalue ?? item.data?.['text/plain']);

describe('OutputList', () => {
  it('joins the text of one stream while nothing stands between', () => {
    const list = folded(print('a'), print('b'), print('!', 'stderr'), print('c'));
    expect(texts(list)).toEqual(['ab', '!', 'c']);
  });

  it('clears at once, or when the next output comes', () => {
    expect(texts(folded(print('a'), clear(false)))).toEqual([]);
    expect(texts(folded(print('a'), clear(true)))).toEqual(['a']);
    expect(texts(folded(print('a'), clear(true), show('b')))).toEqual(['b']);
    expect(texts(folded(print('a'), clear(true), print('b')))).toEqual(['b']);
  });

  it('replaces every output of a display id, and leaves the others the same objects', () => {
    const list = folded(show('one', 'x'), show('other'), show('two', 'x'));
    expect(texts(list)).toEqual(['two', 'other', 'two']);
    const other = list.items[1];
    list.take({ epoch: 'e', rev: 2, prev: 1, messages: [update('three', 'x')] });
    expect(texts(list)).toEqual(['three', 'other', 'three']);
    expect(list.items[1]).toBe(other);
  });

  it('takes a whole state, with what waits to be cleared', () => {
    const list = new OutputList();
    list.take({
      epoch: 'e',
      rev: 5,
      outputs: [{ output_type: 'display_data', data: { 'text/plain': 'x' }, metadata: {} }],
      display_ids: { d: [0] },
      clear_wait: false
    });
    list.take({ epoch: 'e', rev: 6, prev: 5, messages: [update('y', 'd')] });
    expect(texts(list)).toEqual(['y']);
  });

  it('keeps the newest text, counted in characters as the owner counts', () => {
    const list = new OutputList();
    list.take({ epoch: 'e', rev: 0, outputs: [], text_limit: 4 });
    list.take({ epoch: 'e', rev: 1, prev: 0, messages: [print('abc😀😀')] });
    expect(texts(list)).toEqual(['bc😀😀']);
  });
});
