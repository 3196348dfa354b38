import { describe, expect, it, vi } from 'vitest';
import { ICommMessage, IWidgets, Missing, WidgetDesk } from '../widgethost';

const model = { model_name: 'M', model_module: 'm', model_module_version: '1', state: {} };
const step = (widgets: object, rev = 1) => ({ epoch: 'e', rev, outputs: [], widgets });
const update = (comm_id: string): ICommMessage => ({
  msg_type: 'comm_msg',
  content: { comm_id, data: { method: 'update', state: {} } }
});
const view = (model_id: string) => ({ 'application/vnd.jupyter.widget-view+json': { model_id } });

function fake(modules: Record<string, Missing> = {}): IWidgets {
  return {
    reset: vi.fn(),
    take: vi.fn(),
    missing: id => modules[id],
    draw: vi.fn(),
    close: vi.fn(),
    answered: vi.fn(),
    takeBack: vi.fn()
  };
}

describe('WidgetDesk', () => {
  it('asks for the code of widgets once, and only where there are some', () => {
    const need = vi.fn();
    const desk = new WidgetDesk(need);
    desk.take(step({ state: {} }));
    expect(need).not.toHaveBeenCalled();
    desk.take(step({ state: { a: model } }));
    desk.take({ epoch: 'e', rev: 2, prev: 1, messages: [update('a')] });
    expect(need).toHaveBeenCalledTimes(1);
  });

  it('gives what was said before the code came, in order, from the newest whole state on', () => {
    const desk = new WidgetDesk(() => undefined);
    desk.take(step({ state: { old: model } }));
    desk.take({ epoch: 'e', rev: 2, prev: 1, messages: [update('old')] });
    desk.take(step({ state: { a: model } }, 3));
    desk.take({ epoch: 'e', rev: 4, prev: 3, messages: [update('a'), { msg_type: 'stream' }] });
    const widgets = fake();
    desk.begin(widgets);
    expect(widgets.reset).toHaveBeenCalledExactlyOnceWith({ a: model });
    expect(widgets.take).toHaveBeenCalledExactlyOnceWith({ ...update('a'), isPast: true });
    desk.take({ epoch: 'e', rev: 5, prev: 4, messages: [update('a')] });
    expect(widgets.take).toHaveBeenCalledTimes(2);
    expect(widgets.take).toHaveBeenLastCalledWith(update('a'));
  });

  it('draws nothing for a widget that its owner has closed, seen live or late', () => {
    const desk = new WidgetDesk(() => undefined);
    desk.take(step({ state: { a: model }, closed: ['late'] }));
    const close: ICommMessage = { msg_type: 'comm_close', content: { comm_id: 'a' } };
    desk.take({ epoch: 'e', rev: 2, prev: 1, messages: [close] });
    const node = document.createElement('div');
    expect(desk.draw(node, view('late'))).toBe('closed');
    expect(desk.draw(node, view('a'))).toBe('closed');
    const widgets = fake();
    desk.begin(widgets);
    expect(widgets.close).toHaveBeenCalledWith(['late', 'a']);
  });

  it('hears what was said before it came, and nothing twice', () => {
    const desk = new WidgetDesk(() => undefined);
    const widgets = fake({ a: null });
    const said = [1, 3].map(rev => ({ rev, message: update(`m${rev}`) }));
    desk.take(step({ state: { a: model }, said: said.slice(0, 1) }, 2));
    desk.begin(widgets);
    expect(widgets.take).toHaveBeenCalledExactlyOnceWith({ ...update('m1'), isPast: true });
    desk.take(step({ state: { a: model }, said }, 4));
    expect(widgets.take).toHaveBeenCalledTimes(2);
    expect(widgets.take).toHaveBeenLastCalledWith({ ...update('m3'), isPast: true });
    // Another life of the pane is heard from its beginning.
    desk.take({ ...step({ state: { a: model }, said }, 4), epoch: 'f' });
    expect(widgets.take).toHaveBeenCalledTimes(4);
  });

  it('keeps nothing once the code does not come, and says so', () => {
    const desk = new WidgetDesk(() => undefined);
    desk.take(step({ state: { a: model } }));
    desk.giveUp();
    desk.take({ epoch: 'e', rev: 2, prev: 1, messages: [update('a')] });
    expect(desk.draw(document.createElement('div'), view('a'))).toBe('lost');
    const widgets = fake();
    desk.begin(widgets);
    expect(widgets.take).not.toHaveBeenCalled();
  });

  it('draws what can be drawn, and says why something cannot', () => {
    const desk = new WidgetDesk(() => undefined);
    const node = document.createElement('div');
    expect(desk.draw(node, view('a'))).toBe('later');
    const widgets = fake({ a: null, b: { module: 'jupyter-elsewhere', why: 'none' } });
    desk.begin(widgets);
    expect(desk.draw(node, view('a'))).toBe(true);
    expect(widgets.draw).toHaveBeenCalledExactlyOnceWith(node, 'a');
    expect(desk.draw(node, view('b'))).toEqual({ module: 'jupyter-elsewhere', why: 'none' });
    expect(desk.draw(node, view('c'))).toBe('unknown');
    expect(desk.draw(node, {})).toBe('unknown');
  });

  it('knows which widget is drawn again once its module has come', () => {
    const modules: Record<string, Missing> = { a: 'coming', b: null };
    const desk = new WidgetDesk(() => undefined);
    desk.begin(fake(modules));
    const node = document.createElement('div');
    expect(desk.draw(node, view('a'))).toBe('later');
    expect(desk.draw(node, view('b'))).toBe(true);
    expect([desk.isLate(view('a')), desk.isLate(view('b'))]).toEqual([true, false]);
    // One that does not come may do so still.
    modules.a = { module: 'slow', why: 'it waits' };
    expect(desk.draw(node, view('a'))).toBe(modules.a);
    expect(desk.isLate(view('a'))).toBe(true);
    modules.a = null;
    expect(desk.draw(node, view('a'))).toBe(true);
    expect(desk.isLate(view('a'))).toBe(false);
  });
});
