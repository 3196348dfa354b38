import * as controls from '@jupyter-widgets/controls';
import { DOMWidgetModel } from '@jupyter-widgets/base';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ICommMessage, IModelState, IWidgetsHost } from '../widgethost';
import { NOWHERE } from '../widgets/comm';
import { PaneWidgets } from '../widgets/manager';

// It comes as an AMD module, which only the build can read; it is tried in a browser.
vi.mock('anywidget', () => ({ default: () => ({}) }));

const LAYOUT = {
  model_name: 'LayoutModel',
  model_module: '@jupyter-widgets/base',
  model_module_version: '2.0.0',
  state: {}
};

function slider(value: number, change: Partial<IModelState> = {}): IModelState {
  return {
    model_name: 'IntSliderModel',
    model_module: '@jupyter-widgets/controls',
    model_module_version: '2.0.0',
    state: { value, max: 10, min: 0, description: 'rate', _view_name: 'IntSliderView' },
    ...change
  };
}

const message = (id: string, method: string, state: object, re?: string): ICommMessage => ({
  msg_type: 'comm_msg',
  content: { comm_id: id, data: { method, state } },
  ...(re === undefined ? {} : { re })
});

let sent: [ICommMessage, string][];
let host: IWidgetsHost;
let widgets: PaneWidgets;
/** The code of the modules that the owner has. */
let installed: Record<string, string>;
let changes: number;

beforeEach(() => {
  sent = [];
  installed = {};
  changes = 0;
  host = {
    send: (said, id) => sent.push([said, id]),
    drawOutput: (node, output) => (node.textContent = String(output)),
    typeset: node => (node.dataset.typeset = 'yes'),
    moduleCode: async name => {
      if (!(name in installed)) {
        throw new Error(`ada has no ${name}`);
      }
      return installed[name];
    },
    changed: () => (changes += 1)
  };
  widgets = new PaneWidgets(host);
});

afterEach(() => (document.body.innerHTML = ''));

const modelOf = (id: string) => widgets.get_model(id) as Promise<DOMWidgetModel>;

/** Set as a view does it. */
async function move(id: string, value: number): Promise<DOMWidgetModel> {
  const model = await modelOf(id);
  model.set('value', value);
  model.save_changes();
  return model;
}

describe('PaneWidgets', () => {
  it('names the handles of a slider by its description and its readout', async () => {
    widgets.reset({ a: slider(3) });
    widgets.draw(document.body, 'a');
    await vi.waitFor(() => expect(document.querySelector('[role=slider]')).not.toBeNull());
    const names = document.querySelector('[role=slider]')!.getAttribute('aria-labelledby')!;
    const texts = names.split(' ').map(id => document.getElementById(id)?.textContent);
    expect(texts).toEqual(['rate', '3']);
  });

  it('draws a box without the widget in it that its owner has closed', async () => {
    const controls = { model_module: '@jupyter-widgets/controls', model_module_version: '2.0.0' };
    const box = {
      ...controls,
      model_name: 'BoxModel',
      state: {
        _model_module: '@jupyter-widgets/controls',
        _model_name: 'BoxModel',
        _view_name: 'BoxView',
        _view_module: '@jupyter-widgets/controls',
        children: ['IPY_MODEL_gone', 'IPY_MODEL_a'],
        layout: 'IPY_MODEL_l'
      }
    };
    widgets.close(['gone']);
    widgets.reset({ l: LAYOUT, a: slider(1, { state: { layout: 'IPY_MODEL_l' } }), b: box });
    const model = await modelOf('b');
    const children = model.get('children') as DOMWidgetModel[];
    expect(children.length).toBe(2);
    expect(children[1]).toBe(await modelOf('a'));
    const node = document.body.appendChild(document.createElement('div'));
    widgets.draw(node, 'b');
    await vi.waitFor(() => expect(node.querySelector('.widget-slider')).not.toBeNull());
    await vi.waitFor(() => expect(node.querySelectorAll('.widget-box').length).toBe(2));
    expect(node.textContent).not.toContain('error');
  });

  it('lets a model that its owner has closed say what nobody hears any more', async () => {
    widgets.reset({ a: slider(1) });
    const model = await modelOf('a');
    widgets.take({ msg_type: 'comm_close', content: { comm_id: 'a', data: {} } });
    model.set('value', 3);
    model.save_changes();
    model.send({ event: 'moved' }, {});
    expect(sent).toEqual([]);
  });

  it('keeps what a person has typed where the owner tells nobody, until it is refused or set anew', async () => {
    const password = {
      state: { value: '', _view_name: 'PasswordView' },
      model_name: 'PasswordModel'
    };
    widgets.reset({ a: slider(0, password) });
    const model = await modelOf('a');
    const type = (value: string) => {
      model.set('value', value);
      model.save_changes();
      return sent[sent.length - 1][1];
    };
    widgets.take(message('a', 'echo_update', { value: '' }, type('secret')));
    widgets.take(message('a', 'update', { description: 'heard' }));
    await vi.waitFor(() => expect(model.get('description')).toBe('heard'));
    expect(model.get('value')).toBe('secret');
    widgets.take(message('a', 'update', { value: '' }));
    await vi.waitFor(() => expect(model.get('value')).toBe(''));
    widgets.answered(sent[0][1], true);
    widgets.answered(type('other'), false);
    await vi.waitFor(() => expect(model.get('value')).toBe(''));
  });

  it('makes the models of a state, and takes what is said of them later', async () => {
    widgets.reset({ l: LAYOUT, a: slider(1, { state: { value: 1, layout: 'IPY_MODEL_l' } }) });
    const model = await modelOf('a');
    expect(model.get('value')).toBe(1);
    expect(model.get('layout')).toBe(await modelOf('l'));
    widgets.take(message('a', 'update', { value: 4 }));
    await vi.waitFor(() => expect(model.get('value')).toBe(4));
    widgets.take({
      msg_type: 'comm_open',
      content: {
        comm_id: 'b',
        data: {
          state: {
            _model_name: 'LabelModel',
            _model_module: '@jupyter-widgets/controls',
            _model_module_version: '2.0.0',
            value: 'new'
          }
        }
      }
    });
    expect((await modelOf('b')).get('value')).toBe('new');
  });

  it('hands a canvas the next picture when the one before was loaded', async () => {
    widgets.reset({ a: slider(1) });
    const image = new Image();
    let isComplete = true;
    Object.defineProperty(image, 'complete', { get: () => isComplete });
    const model = Object.assign(await modelOf('a'), { image });
    const drawn: string[] = [];
    model.on('msg:custom', ({ n }: { n: string }) => {
      drawn.push(n);
      isComplete = false;
    });
    for (const n of ['whole', 'change', 'later']) {
      widgets.take({
        msg_type: 'comm_msg',
        content: { comm_id: 'a', data: { method: 'custom', content: { n } } }
      });
    }
    await new Promise(done => setTimeout(done));
    expect(drawn).toEqual(['whole']);
    isComplete = true;
    image.dispatchEvent(new Event('load'));
    await vi.waitFor(() => expect(drawn).toEqual(['whole', 'change']));
    image.dispatchEvent(new Event('error'));
    await vi.waitFor(() => expect(drawn).toEqual(['whole', 'change', 'later']));
  });

  it('keeps the models that go on when the whole state comes again', async () => {
    widgets.reset({ a: slider(1), b: slider(2) });
    const kept = await modelOf('a');
    await modelOf('b');
    widgets.reset({ a: slider(8) });
    await vi.waitFor(() => expect(kept.get('value')).toBe(8));
    expect(await modelOf('a')).toBe(kept);
    expect(widgets.has_model('b')).toBe(false);
    expect([widgets.missing('a'), widgets.missing('b')]).toEqual([null, undefined]);
  });

  it('begins a link with no value that its source does not have, and follows it from then on', async () => {
    const link = {
      model_name: 'LinkModel',
      model_module: '@jupyter-widgets/controls',
      model_module_version: '2.0.0',
      state: { source: ['IPY_MODEL_a', 'value'], target: ['IPY_MODEL_b', 'value'] }
    };
    const empty = slider(0, { state: { ...slider(0).state, value: null } });
    widgets.reset({ a: empty, b: slider(4), c: link });
    await modelOf('c');
    const target = await modelOf('b');
    expect(target.get('value')).toBe(4);
    widgets.take(message('a', 'update', { value: 6 }));
    await vi.waitFor(() => expect(target.get('value')).toBe(6));
    widgets.take(message('a', 'update', { value: null }));
    await vi.waitFor(() => expect(target.get('value')).toBeNull());
  });

  it('sends one input at a time, the newest value once it was answered', async () => {
    widgets.reset({ a: slider(0) });
    for (const value of [1, 2, 3]) {
      await move('a', value);
    }
    expect(sent.map(([said]) => said.content.data)).toMatchObject([{ state: { value: 1 } }]);
    widgets.answered(sent[0][1], true);
    expect(sent.map(([said]) => said.content.data)).toMatchObject([
      { state: { value: 1 } },
      { state: { value: 3 } }
    ]);
    expect(new Set(sent.map(([, id]) => id)).size).toBe(2);
    expect(sent[0][1]).toMatch(/^[\w-]{3,64}$/);
  });

  it('shows what is so when an input is refused, and follows the owner’s page again', async () => {
    widgets.reset({ a: slider(3) });
    const model = await move('a', 9);
    widgets.answered(sent[0][1], false);
    await vi.waitFor(() => expect(model.get('value')).toBe(3));
    widgets.take(message('a', 'echo_update', { value: 5 }));
    await vi.waitFor(() => expect(model.get('value')).toBe(5));
  });

  it('shows what is so when what was taken is dropped with the grant', async () => {
    widgets.reset({ a: slider(3) });
    const model = await move('a', 9);
    widgets.answered(sent[0][1], true);
    widgets.takeBack();
    await vi.waitFor(() => expect(model.get('value')).toBe(3));
  });

  it('takes the echo of another viewer’s input for what it is', async () => {
    widgets.reset({ a: slider(3) });
    const model = await move('a', 9);
    widgets.take(message('a', 'echo_update', { value: 6 }, 'i1'));
    widgets.take(message('a', 'echo_update', { value: 9 }, sent[0][1]));
    widgets.take(message('a', 'echo_update', { value: 7 }, 'i2'));
    await vi.waitFor(() => expect(model.get('value')).toBe(7));
  });

  it('names the module that the owner does not have, once that is known', async () => {
    widgets.reset({ a: slider(0, { model_module: 'jupyter-elsewhere' }) });
    expect(widgets.missing('a')).toBe('coming');
    await vi.waitFor(() => expect(changes).toBe(1));
    const why = 'ada has no jupyter-elsewhere';
    expect(widgets.missing('a')).toEqual({ module: 'jupyter-elsewhere', why });
    expect(widgets.missing('nowhere')).toBeUndefined();
  });

  it('says that a module does not begin, and draws its widgets if it does later', async () => {
    vi.useFakeTimers();
    let begin: (exports: object) => void = () => undefined;
    const begun = new Promise(resolve => (begin = resolve));
    installed.waits = '';
    // jsdom would run the script in a window of its own.
    const run = vi.spyOn(document.head, 'append').mockImplementation(() => {
      (globalThis as unknown as { define: (...given: unknown[]) => void }).define([], () => begun);
    });
    widgets.reset({ a: slider(0, { model_module: 'waits' }) });
    expect(widgets.missing('a')).toBe('coming');
    await vi.advanceTimersByTimeAsync(9000);
    expect([changes, widgets.missing('a')]).toEqual([0, 'coming']);
    await vi.advanceTimersByTimeAsync(1000);
    expect(changes).toBe(1);
    expect(widgets.missing('a')).toMatchObject({
      module: 'waits',
      why: expect.stringContaining('waits for something')
    });
    begin(controls);
    await vi.advanceTimersByTimeAsync(0);
    expect([changes, widgets.missing('a')]).toEqual([2, null]);
    run.mockRestore();
    vi.useRealTimers();
  });

  it('asks for a module once, also where only views are of it', async () => {
    const asked = vi.spyOn(host, 'moduleCode');
    const state = { ...slider(0).state, _view_module: 'views' };
    widgets.reset({ a: slider(0, { state }), b: slider(1, { state }) });
    expect(asked).not.toHaveBeenCalled();
    expect([widgets.missing('a'), widgets.missing('b')]).toEqual(['coming', 'coming']);
    await vi.waitFor(() => expect(widgets.missing('b')).toMatchObject({ module: 'views' }));
    expect(asked).toHaveBeenCalledExactlyOnceWith('views');
  });

  it('goes on with the others when a state is nonsense', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
    vi.spyOn(console, 'error').mockReturnValue(undefined);
    const buffers = [{ path: ['no', 'where'], encoding: 'base64' as const, data: 'AQID' }];
    widgets.reset({ bad: slider(0, { buffers }), a: slider(2) });
    expect((await modelOf('a')).get('value')).toBe(2);
    await vi.waitFor(() => expect(warn).toHaveBeenCalledOnce());
    widgets.take(message('a', 'update', { value: 4 }));
    await vi.waitFor(async () => expect((await modelOf('a')).get('value')).toBe(4));
  });

  it('draws a view, and lets go of it when its place has gone', async () => {
    widgets.reset({ a: slider(2) });
    const node = document.body.appendChild(document.createElement('div'));
    widgets.draw(node, 'a');
    await vi.waitFor(() => expect(node.textContent).toContain('rate'));
    const model = await modelOf('a');
    expect(Object.keys(model.views!).length).toBe(1);
    node.remove();
    widgets.take(message('a', 'update', { value: 4 }));
    await vi.waitFor(() => expect(Object.keys(model.views!).length).toBe(0));
  });

  it('tells a model that has no views its past at once, as the one that draws for all canvases', async () => {
    const manager = {
      model_name: 'WidgetModel',
      model_module: '@jupyter-widgets/base',
      model_module_version: '2.0.0',
      state: {}
    };
    widgets.reset({ m: manager });
    const heard: unknown[] = [];
    (await modelOf('m')).on('msg:custom', said => heard.push(said));
    const data = { method: 'custom', content: 'draw' };
    widgets.take({ msg_type: 'comm_msg', content: { comm_id: 'm', data }, isPast: true });
    await vi.waitFor(() => expect(heard).toEqual(['draw']));
  });

  it.each(['Tab', 'Accordion'])('sends nothing as what is in a %s ends', async kind => {
    const module = '@jupyter-widgets/controls';
    const tab = (selected_index: number) => ({
      model_name: `${kind}Model`,
      model_module: module,
      model_module_version: '2.0.0',
      state: {
        _view_name: `${kind}View`,
        _view_module: module,
        children: ['IPY_MODEL_a', 'IPY_MODEL_b'],
        titles: ['one', 'two'],
        selected_index,
        layout: 'IPY_MODEL_l'
      }
    });
    widgets.reset({ l: LAYOUT, a: slider(1), b: slider(2), t: tab(1) });
    const node = document.body.appendChild(document.createElement('div'));
    widgets.draw(node, 't');
    const handles = () => node.querySelectorAll('[role=slider]').length;
    await vi.waitFor(() => expect(handles()).toBe(2));
    const model = await modelOf('t');
    widgets.take({ msg_type: 'comm_close', content: { comm_id: 'b', data: {} } });
    await vi.waitFor(() => expect(handles()).toBe(1));
    // What the owner's page makes of it counts.
    widgets.take(message('t', 'update', { selected_index: 0 }));
    await vi.waitFor(() => expect(model.get('selected_index')).toBe(0));
    // The cell has run again, and has made others.
    widgets.reset({ l: LAYOUT });
    await vi.waitFor(() => expect(handles()).toBe(0));
    expect(sent).toEqual([]);
  });

  it('draws what an Output widget holds, and only what it holds then', async () => {
    const output = (outputs: string[]) => ({
      model_name: 'OutputModel',
      model_module: '@jupyter-widgets/output',
      model_module_version: '1.0.0',
      state: { outputs, layout: 'IPY_MODEL_l' }
    });
    widgets.reset({ l: LAYOUT, o: output(['n is 1']) });
    const node = document.body.appendChild(document.createElement('div'));
    widgets.draw(node, 'o');
    const drawn = () => [...node.querySelectorAll('.output')].map(each => each.textContent);
    await vi.waitFor(() => expect(drawn()).toEqual(['n is 1']));
    widgets.take(message('o', 'update', { outputs: ['n is 15', 'and an error'] }));
    await vi.waitFor(() => expect(drawn()).toEqual(['n is 15', 'and an error']));
    widgets.take(message('o', 'update', { outputs: [] }));
    await vi.waitFor(() => expect(drawn()).toEqual([]));
  });

  it('makes no widgets of its own', async () => {
    const options = { model_name: 'M', model_module: 'm', model_module_version: '1' };
    const view = { view_name: 'V', view_module: 'm', view_module_version: '1' };
    await expect(
      widgets.new_widget({ ...options, ...view, model_id: 'mine' }).then(model => model.comm)
    ).resolves.toBe(NOWHERE);
    expect(sent).toEqual([]);
  });
});
