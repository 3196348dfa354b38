/** The page in which a pane is drawn. Everything that a peer sends ends here. */

import 'katex/dist/katex.min.css';
import './pane.css';
import { FromFrame, PORT, READY, ToFrame, Words } from '../src/viewerprotocol';
import { Notes } from './notes';
import { Pane } from './pane';
import { takeAwayWebRtc } from './realm';

takeAwayWebRtc();

// The page that frames the page that frames this one.
const front = window.parent.parent;
const onPort = (event: MessageEvent) => {
  if (event.source === front && event.data?.type === PORT && event.ports.length === 1) {
    window.removeEventListener('message', onPort);
    begin(event.ports[0], event.data.words);
  }
};
window.addEventListener('message', onPort);
front.postMessage(READY, '*');

function begin(port: MessagePort, words: Words): void {
  const say = (message: FromFrame) => port.postMessage(message);
  const place = document.getElementById('pane') as HTMLElement;
  const notes = new Notes(document.getElementById('notes') as HTMLElement, words);
  const pane = new Pane(
    place,
    words,
    () => false,
    rev => say({ type: 'shown', rev })
  );
  port.onmessage = ({ data }: MessageEvent<ToFrame>) => {
    switch (data.type) {
      case 'step':
        if (data.step.outputs) {
          notes.clear();
        }
        pane.take(data.step);
        break;
      case 'theme':
        applyTheme(data.variables, data.light);
        break;
      case 'ping':
        say({ type: 'pong', n: data.n });
        break;
    }
  };
  document.addEventListener('click', event => followLink(event, say), true);
  document.addEventListener('auxclick', event => followLink(event, say), true);
  let told = 0;
  new ResizeObserver(() => {
    const px = document.documentElement.offsetHeight;
    if (px !== told) {
      told = px;
      say({ type: 'height', px });
    }
  }).observe(document.documentElement);
}

function applyTheme(variables: Record<string, string>, light: boolean): void {
  const root = document.documentElement;
  for (const [name, value] of Object.entries(variables)) {
    root.style.setProperty(name, value);
  }
  root.style.colorScheme = light ? 'light' : 'dark';
  document.body.dataset.jpThemeLight = String(light);
}

/** Nothing opens from here: the page around asks a person, who sees where a link goes. */
function followLink(event: Event, say: (message: FromFrame) => void): void {
  const path = event.composedPath();
  const link = path.find((each): each is HTMLAnchorElement => each instanceof HTMLAnchorElement);
  const target = link?.getAttribute('href');
  if (!link || !target || target.startsWith('#')) {
    return;
  }
  event.preventDefault();
  if (/^https?:/i.test(target)) {
    say({ type: 'link', url: target });
  }
}
