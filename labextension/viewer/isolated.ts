import { followLinks } from './links';
import { IOutput } from './outputs';
import { takeAwayHistory, takeAwayWebRtc } from './realm';
import { ITools } from './tools';

const KINDS = ['text/html', 'text/markdown', 'image/svg+xml', 'text/latex'];
/** As in JupyterLab, whose frame has no document type, what begins a page has no margin above it. */
const START = ':where(body) > :where(:first-child) { margin-top: 0 }';
const MAX_HEIGHT = 20_000;

/** Whether an output asks for a frame of its own: for its mime type, or for all of them. */
export function isIsolated(mime: string, metadata: IOutput['metadata']): boolean {
  const own = metadata?.[mime] as { isolated?: unknown } | undefined;
  return KINDS.includes(mime) && Boolean(own?.isolated ?? metadata?.isolated);
}

/** Draw an output into a frame, so that its styles and scripts do not meet those of others. */
export function drawIsolated(
  node: HTMLElement,
  mime: string,
  source: string,
  { onBlocked, onLink }: Pick<ITools, 'onBlocked' | 'onLink'>
): Promise<void> {
  node.className = 'jp-OutputArea-output';
  const frame = document.createElement('iframe');
  frame.className = 'isolated';
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.title = mime;
  // Its origin is its own, so that it has to say how high it is.
  const measure =
    `(${takeAwayWebRtc})();(${takeAwayHistory})();(${followLinks})(` +
    'link => parent.postMessage({ link }, "*"),' +
    'place => parent.postMessage({ at: place ? place.getBoundingClientRect().top : 0 }, "*"));' +
    'new ResizeObserver(() => parent.postMessage({ px: document.documentElement.scrollHeight }, "*"))' +
    '.observe(document.documentElement);' +
    'document.addEventListener("securitypolicyviolation", event => ' +
    'parent.postMessage({ blocked: event.blockedURI }, "*"));';
  frame.srcdoc = `<!doctype html><meta charset="utf-8"><style>${START}</style><script>${measure}</script>${source}`;
  return new Promise(resolve => {
    const onMessage = ({ source: from, data }: MessageEvent) => {
      if (!frame.isConnected) {
        window.removeEventListener('message', onMessage);
      } else if (from === frame.contentWindow && typeof data?.blocked === 'string') {
        onBlocked(data.blocked.slice(0, 2048));
      } else if (from === frame.contentWindow && typeof data?.link === 'string') {
        onLink(data.link.slice(0, 2048));
      } else if (from === frame.contentWindow && typeof data?.at === 'number') {
        // The frame is as high as what is in it, so this page scrolls.
        window.scrollTo(0, window.scrollY + frame.getBoundingClientRect().top + data.at);
      } else if (from === frame.contentWindow && typeof data?.px === 'number') {
        frame.style.height = `${Math.min(MAX_HEIGHT, Math.max(0, Math.ceil(data.px)))}px`;
        resolve();
      }
    };
    window.addEventListener('message', onMessage);
    frame.addEventListener('error', () => resolve());
    node.append(frame);
  });
}
