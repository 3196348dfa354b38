import { JupyterFrontEnd } from '@jupyterlab/application';
import { Token } from '@lumino/coreutils';
import { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';
import { afterEach, describe, expect, it, vi } from 'vitest';
import plugins from '../index';
import { CommandIDs, IPeers, IPeerSession, PANEL_ID } from '../tokens';
import { FakeSocket, reachState, serverSettings } from './fakes';
import { picture } from './session';

/** As much of a JupyterLab as the plugins use. */
class App {
  readonly commands = new CommandRegistry();
  readonly serviceManager = { serverSettings: serverSettings() };
  readonly shell = {
    widgets: [] as Widget[],
    add: (widget: Widget) => this.shell.widgets.push(widget),
    activateById: vi.fn()
  };
  readonly services = new Map<Token<unknown>, unknown>();

  /** Activate all plugins but one, as JupyterLab does: what is required has to be there. */
  start(without?: string): void {
    for (const plugin of plugins) {
      const needs = plugin.requires ?? [];
      if (plugin.id !== without && needs.every(token => this.services.has(token))) {
        const wanted = [...needs, ...(plugin.optional ?? [])];
        const given = wanted.map(token => this.services.get(token) ?? null);
        const service = plugin.activate(this as unknown as JupyterFrontEnd, ...given);
        if (plugin.provides) {
          this.services.set(plugin.provides, service);
        }
      }
    }
  }
}

let app: App;

async function started(without?: string): Promise<App> {
  app = new App();
  app.start(without);
  FakeSocket.last?.accept();
  FakeSocket.last?.answer({
    ...picture(),
    invites: { invites: [] },
    chats: { lines: [], unread: {} },
    lobby: { url: 'wss://lobby', status: 'connected', listed: false, rooms: [], error: null },
    approvals: { approvals: [] },
    agents: { on: false, mode: 'read-only', default: null, agents: [], running: [] },
    reach: reachState()
  });
  const session = app.services.get(IPeerSession) as IPeerSession | undefined;
  await vi.waitFor(() => expect(session?.model.state.phase ?? 'ready').toBe('ready'));
  return app;
}

afterEach(() => {
  const session = app?.services.get(IPeerSession) as IPeerSession | undefined;
  session?.model.dispose();
  session?.control.dispose();
});

const SECTIONS: Record<string, string[]> = {
  'jupyter-peer:peers': ['Peers (1)'],
  'jupyter-peer:rooms': ['Rooms'],
  'jupyter-peer:panes': ['Shared by me', 'Shared with me'],
  'jupyter-peer:agents': ['My agent'],
  'jupyter-peer:reach': ['Who can reach me']
};
const COMMANDS: Record<string, string> = {
  'jupyter-peer:panel': CommandIDs.open,
  'jupyter-peer:pairing': CommandIDs.invite,
  'jupyter-peer:peers': CommandIDs.forget,
  'jupyter-peer:chat': CommandIDs.chat,
  'jupyter-peer:ask': CommandIDs.ask,
  'jupyter-peer:rooms': CommandIDs.joinRoom,
  'jupyter-peer:panes': CommandIDs.openPane,
  'jupyter-peer:check': CommandIDs.doctor,
  'jupyter-peer:activity': CommandIDs.activity
};

describe('the plugins', () => {
  it('have an id of this extension each, and say what they do', () => {
    expect(new Set(plugins.map(plugin => plugin.id)).size).toBe(plugins.length);
    for (const { id, description } of plugins) {
      expect(id).toMatch(/^jupyter-peer:[a-z]+$/);
      expect(description).toMatch(/\.$/);
    }
  });

  it.each([
    undefined,
    ...plugins.map(plugin => plugin.id).filter(id => id !== 'jupyter-peer:plugin')
  ])('work without %s', async without => {
    await started(without);
    const panel = app.shell.widgets.find(widget => widget.id === PANEL_ID);
    expect(Boolean(panel)).toBe(without !== 'jupyter-peer:panel');
    const titles = (panel as unknown as { widgets: Widget[] } | undefined)?.widgets;
    const expected = Object.entries(SECTIONS)
      .filter(([id]) => id !== without)
      .flatMap(([, sections]) => sections);
    await vi.waitFor(() =>
      expect(titles?.map(each => each.title.label) ?? expected).toEqual(expected)
    );
    for (const [id, command] of Object.entries(COMMANDS)) {
      expect(app.commands.hasCommand(command), command).toBe(id !== without);
    }
    expect(app.services.has(IPeers)).toBe(without !== 'jupyter-peer:api');
  });

  it('do nothing, and break nothing, without the session that they share', async () => {
    await started('jupyter-peer:plugin');
    expect(app.shell.widgets).toEqual([]);
    expect(app.commands.listCommands()).toEqual([]);
  });

  it('tell the server that somebody can be asked only where somebody can', async () => {
    const asked = () => FakeSocket.last.sent.some(({ op }) => op === 'approvals');
    for (const without of [undefined, 'jupyter-peer:agents']) {
      app = new App();
      app.start(without);
      FakeSocket.last.accept();
      expect(asked()).toBe(without === undefined);
    }
  });

  it('have “peer” in every entry of the palette, and one category', async () => {
    const entries: { command: string; category: string }[] = [];
    const palette = { addItem: (item: (typeof entries)[number]) => entries.push(item) };
    app = new App();
    const token = plugins
      .flatMap(plugin => plugin.optional ?? [])
      .find(each => each.name.endsWith('ICommandPalette'))!;
    app.services.set(token, palette);
    app.start();
    expect(entries.length).toBeGreaterThanOrEqual(6);
    for (const { command, category } of entries) {
      expect(app.commands.label(command)).toMatch(/peer/i);
      expect(category).toBe('Peers');
    }
  });
});
