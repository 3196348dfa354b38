import { describe, expect, it, vi } from 'vitest';
import { Federation, IPacked } from '../widgets/federation';

const REGISTRY = { name: 'jupyter.extensions.jupyterWidgetRegistry' };
const base = { DOMWidgetModel: class {} };

interface IRegistry {
  registerWidget(data: object): void;
}

/** The scope with the packages of a page. */
type Scope = Record<string, Record<string, { get(): Promise<() => Record<string, unknown>> }>>;

/** A library as its owner packs it. */
function packed(plugin: unknown, change: Partial<IPacked> = {}): IPacked {
  const get = async (module: string) => () => (module === './plugin' ? { default: plugin } : {});
  return {
    name: 'graphs',
    extension: './plugin',
    style: null,
    needs: [],
    found: [],
    chunks: [],
    entry: () => ({ init: () => undefined, get }),
    ...change
  };
}

const registers = (exports: unknown, name = 'graphs') => ({
  requires: [REGISTRY],
  activate: (_: unknown, registry: IRegistry) => registry.registerWidget({ name, exports })
});

const federation = () =>
  new Federation({ '@jupyter-widgets/base': { version: '6.0.12', exports: base } });

describe('Federation', () => {
  it('gives the classes that the extension registers, in each form that JupyterLab takes', async () => {
    const View = class {};
    for (const exports of [{ View }, () => ({ View }), async () => ({ View })]) {
      expect(await federation().load(packed([registers(exports)]))).toEqual({ View });
    }
  });

  it('runs all chunks and the entry before anything that waits', () => {
    const said: string[] = [];
    const entry = () => {
      said.push('entry');
      return packed(registers({})).entry();
    };
    const chunks = [() => void said.push('one'), () => void said.push('two')];
    void federation().load(packed(registers({}), { chunks, entry }));
    expect(said).toEqual(['one', 'two', 'entry']);
  });

  it('shares the packages of the page, and takes the style sheets', async () => {
    const asked: string[] = [];
    let scope: Scope = {};
    const { get } = packed(registers({})).entry();
    const entry = () => ({
      init: (given: unknown) => void (scope = given as Scope),
      get: (module: string) => {
        asked.push(module);
        return get(module);
      }
    });
    await federation().load(packed(registers({}), { style: './style', entry }));
    expect(asked).toEqual(['./style', './plugin']);
    expect((await scope['@jupyter-widgets/base']['6.0.12'].get())()).toBe(base);
    expect(Object.keys(scope)).not.toContain('react');
  });

  it('hands on the packages that another module has, unless an extension has offered them', async () => {
    let scope: Scope = {};
    const { get } = packed(registers({})).entry();
    const entry = () => ({ init: (given: unknown) => void (scope = given as Scope), get });
    const scales = { Linear: class {} };
    const offered = '@jupyter-widgets/base';
    const needs = { needs: ['scales', offered], found: [scales, {}] };
    await federation().load(packed(registers({}), { ...needs, entry }));
    const [version] = Object.keys(scope.scales);
    expect((await scope.scales[version].get())()).toBe(scales);
    expect((await scope[offered]['6.0.12'].get())()).toBe(base);
  });

  it('has packages of JupyterLab by their names alone: no object of one is made', async () => {
    let scope: Scope = {};
    const entry = () => ({
      init: (given: unknown) => void (scope = given as Scope),
      get: packed(registers({})).entry().get
    });
    await federation().load(packed(registers({}), { entry }));
    const [version] = Object.keys(scope['@jupyterlab/apputils']);
    const apputils = (await scope['@jupyterlab/apputils'][version].get())() as {
      ReactWidget: new () => object;
    };
    class Derived extends apputils.ReactWidget {}
    expect(() => new Derived()).toThrow('ReactWidget of @jupyterlab/apputils');
  });

  it('runs plugins with nothing in place of JupyterLab', async () => {
    const others = [{ name: 'commands' }, REGISTRY];
    const activate = vi.fn((app, commands, registry: IRegistry, shell) => {
      app.docRegistry.addWidgetExtension('Notebook', {});
      commands.addCommand('open', {}).dispose();
      expect(shell).toBeNull();
      registry.registerWidget({ name: 'graphs', exports: { activated: true } });
    });
    const plugin = { requires: others, optional: [{ name: 'shell' }], activate };
    expect(await federation().load(packed(plugin))).toEqual({ activated: true });
  });

  it('says why an extension has no widgets here', async () => {
    const fails = {
      activate: () => {
        throw new Error('no kernel');
      }
    };
    await expect(federation().load(packed(fails))).rejects.toThrow('graphs does not work');
    await expect(federation().load(packed(fails))).rejects.toThrow('no kernel');
    await expect(federation().load(packed(registers({}, 'others')))).rejects.toThrow('graphs');
  });
});
