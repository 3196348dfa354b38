import { DOMWidgetModel } from '@jupyter-widgets/base';
import { expect, it, vi } from 'vitest';
import { ICommMessage } from '../widgethost';
import { Latecomers } from '../widgets/latecomers';

const say = (content: string, isPast?: boolean, method = 'custom'): ICommMessage => ({
  msg_type: 'comm_msg',
  content: { comm_id: 'a', data: { method, content } },
  buffers: ['AAE='],
  isPast
});

it('tells a view what its model heard before it, whenever it listens, until there is news', async () => {
  const latecomers = new Latecomers();
  const model = new DOMWidgetModel({}, { model_id: 'a' } as never);
  const heard: string[] = [];
  const listen = (name: string) => {
    model.on('msg:custom', (said: string, buffers: DataView[]) => {
      heard.push(`${name} ${said} ${buffers[0].byteLength}`);
    });
    model.on('change:value', () => heard.push('changed'));
  };
  listen('model');
  latecomers.heard(say('one', true));
  latecomers.heard(say('two', true));
  latecomers.heard(say('update', true, 'update'));
  latecomers.begin(model);
  latecomers.begin(model);
  listen('view');
  await vi.waitFor(() => expect(heard).toEqual(['view one 2', 'view two 2']));
  latecomers.heard(say('live'));
  listen('newer');
  await Promise.resolve();
  expect(heard).toHaveLength(2);
});

it('tells a view what its model hears of the past after the view is begun, and only once', async () => {
  const latecomers = new Latecomers();
  const model = new DOMWidgetModel({}, { model_id: 'a' } as never);
  const heard: string[] = [];
  latecomers.begin(model);
  latecomers.heard(say('before', true));
  model.on('msg:custom', (said: string) => heard.push(said));
  latecomers.heard(say('after', true));
  model.trigger('msg:custom', 'after', []);
  await vi.waitFor(() => expect(heard).toEqual(['after', 'before']));
});

it('has a model hear its past once it has a view, or has none for a while', async () => {
  vi.useFakeTimers();
  try {
    const latecomers = new Latecomers();
    const done: string[] = [];
    void latecomers.ready('seen').then(() => done.push('seen'));
    void latecomers.ready('unseen').then(() => done.push('unseen'));
    await vi.advanceTimersByTimeAsync(100);
    expect(done).toEqual([]);
    latecomers.viewed(new DOMWidgetModel({}, { model_id: 'seen' } as never));
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['seen']);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(done).toEqual(['seen', 'unseen']);
  } finally {
    vi.useRealTimers();
  }
});
