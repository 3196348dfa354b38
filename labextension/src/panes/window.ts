import { URLExt } from '@jupyterlab/coreutils';
import { UUID } from '@lumino/coreutils';

/** In the address of a page: the ticket of the pane that it opens. */
const PARAMETER = 'jupyter-peer-pane';
const FEATURES = 'popup,width=900,height=700';

/** Which pane. */
export interface IPaneAddress {
  peer: string;
  name: string;
}

/**
 * Open a pane in a window of its own: a JupyterLab that shows one document.
 *
 * The address carries a ticket and not the pane, so a link from elsewhere cannot make this node open one.
 */
export function openWindow(baseUrl: string, { peer, name }: IPaneAddress): void {
  const ticket = UUID.uuid4();
  localStorage.setItem(`${PARAMETER}:${ticket}`, JSON.stringify({ peer, name }));
  const workspace = `jupyter-peer-${peer}-${name}`;
  const url = URLExt.join(baseUrl, 'doc', 'workspaces', encodeURIComponent(workspace));
  window.open(`${url}?${PARAMETER}=${ticket}`, '_blank', FEATURES);
}

/** The pane for which this page was opened; each ticket is good once. */
export function takeTicket(address: string): IPaneAddress | null {
  const key = `${PARAMETER}:${new URL(address).searchParams.get(PARAMETER) ?? ''}`;
  const text = localStorage.getItem(key);
  localStorage.removeItem(key);
  return text === null ? null : (JSON.parse(text) as IPaneAddress);
}
