/** A Jupyter server as the browser sees it: REST answers, and a control socket to play. */

import { ServerConnection } from '@jupyterlab/services';
import { vi } from 'vitest';
import { IIdentity, IOwnPane, IPaneLists, IPeer, IReach } from '../shapes';

export const ADA: IIdentity = {
  node_id: 'adaadaadaadaada2',
  node_name: 'ada-laptop',
  named: true,
  public_key: 'A'.repeat(43) + '=',
  fingerprint: '0123 4567 89ab cdef',
  capabilities: ['panes'],
  addresses: ['ws://192.0.2.7:8888/peer-ws']
};

export function reachState(change: Partial<IReach> = {}): IReach {
  const text = 'Only this computer can reach you.';
  return {
    mode: 'local',
    chosen: 'local',
    relay_url: null,
    last_relay_url: null,
    fixed_by: null,
    locked: {},
    addresses: [],
    checked: [{ check: 'reach', subject: null, status: 'ok', text, hint: '' }],
    ...change
  };
}

export function peer(change: Partial<IPeer> = {}): IPeer {
  return {
    node_id: 'bobbobbobbobbob2',
    node_name: 'bob',
    calls_itself: null,
    alias: null,
    public_key: 'B'.repeat(43) + '=',
    transport: 'direct',
    address: 'ws://192.0.2.8:8888/peer-ws',
    status: 'connected',
    trusted: true,
    origin: 'invite',
    blocked: false,
    last_seen: 1000,
    rtt_ms: 3.2,
    capabilities: ['panes'],
    panes: [],
    last_error: null,
    ...change
  };
}

/** A pane of this node that nobody may see yet. */
export function ownPane(change: Partial<IOwnPane> = {}): IOwnPane {
  return {
    name: 'loss',
    title: '',
    rev: 0,
    status: 'live',
    kernel_id: 'k',
    cell_id: null,
    path: null,
    output: null,
    failed: false,
    other_widgets: 'values',
    presented_by: null,
    viewers: [],
    grants: {},
    ...change
  };
}

export const NO_PANES: IPaneLists = { mine: [], offered: [] };

/** One WebSocket as the code under test sees it; the test plays the server. */
export class FakeSocket {
  static all: FakeSocket[] = [];

  static get last(): FakeSocket {
    return FakeSocket.all[FakeSocket.all.length - 1];
  }

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  binaryType = 'blob';
  readonly sent: { id: number; op: string; params: Record<string, unknown> }[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  accept(): void {
    this.onopen?.();
  }

  say(frame: unknown): void {
    this.onmessage?.({
      data:
        typeof frame === 'string' || frame instanceof ArrayBuffer ? frame : JSON.stringify(frame)
    });
  }

  /** Answer every request sent so far for which there is an answer. */
  answer(results: Record<string, unknown>): void {
    for (const { id, op } of this.sent.splice(0)) {
      if (op in results) {
        this.say({ id, result: results[op] });
      }
    }
  }

  fail(): void {
    this.onclose?.();
  }
}

export interface IRest {
  [path: string]: unknown;
}

/** Settings whose REST answers are `rest` (a number is a status) and whose sockets are fakes. */
export function serverSettings(rest: IRest = {}): ServerConnection.ISettings {
  FakeSocket.all = [];
  const fetch = vi.fn(async (request: Request) => {
    const path = new URL(request.url).pathname.replace('/user/ada/jupyter-peer/api/', '');
    const answer = rest[path];
    if (answer === undefined || typeof answer === 'number') {
      return new Response('', { status: typeof answer === 'number' ? answer : 404 });
    }
    return new Response(JSON.stringify(answer));
  });
  return ServerConnection.makeSettings({
    baseUrl: 'http://127.0.0.1:8888/user/ada/',
    wsUrl: 'ws://127.0.0.1:8888/user/ada/',
    token: 'se cret',
    appendToken: true,
    fetch: fetch as unknown as typeof globalThis.fetch,
    WebSocket: FakeSocket as unknown as typeof WebSocket
  });
}

/** A server at which everything is well. */
export function wellServer(peers: IPeer[] = [], panes = NO_PANES): ServerConnection.ISettings {
  return serverSettings({ identity: ADA, peers: { self: ADA, peers }, panes });
}
