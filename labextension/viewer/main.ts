/** The page in which a pane is drawn. Everything that a peer sends ends here. */

import 'katex/dist/katex.min.css';
import './pane.css';
import { FromFrame, IInput, PORT, READY, ToFrame, Words } from '../src/viewerprotocol';
import { drawOutput, WIDGET_VIEW } from './drawing';
import { IOutput, MimeBundle } from './outputs';
import { IWidgets, IWidgetsHost, WidgetDesk, WIDGETS_GLOBAL } from './widgethost';
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
    (node, bundle) => drawWidget(node, bundle),
    rev => say({ type: 'shown', rev })
  );
  const desk = new WidgetDesk(() => say({ type: 'need-widgets' }));
  const drawWidget = (node: HTMLElement, bundle: MimeBundle): true | string => {
    const drawn = desk.draw(node, bundle);
    if (drawn === true) {
      node.classList.add('widget');
      node.dataset.lookOnly = words.readOnly;
    }
    if (drawn === 'gone') {
      return words.widgetGone;
    }
    return drawn === 'later' ? '' : drawn === true || words.noModule.replace('%1', drawn.module);
  };
  const startWidgets = (code: string) => {
    const script = document.createElement('script');
    script.textContent = code;
    document.head.append(script);
    const make = (window as unknown as Record<string, (host: IWidgetsHost) => IWidgets>)[
      WIDGETS_GLOBAL
    ];
    desk.begin(
      make({
        send: (message, id) => say({ type: 'input', id, message: message as IInput }),
        drawOutput: (node, output) => drawOutput(node, output as IOutput, words, drawWidget)
      })
    );
    pane.redraw(({ data }) => WIDGET_VIEW in (data ?? {}));
  };
  port.onmessage = ({ data }: MessageEvent<ToFrame>) => {
    switch (data.type) {
      case 'step':
        if (data.step.outputs) {
          notes.clear();
        }
        desk.take(data.step);
        pane.take(data.step);
        break;
      case 'theme':
        applyTheme(data.variables, data.light);
        break;
      case 'grant':
        document.body.classList.toggle('look-only', !data.interact);
        break;
      case 'widgets':
        startWidgets(data.code);
        break;
      case 'answered':
        desk.answered(data.id);
        if (data.error) {
          notes.add(words.refused, data.error);
        }
        break;
      case 'ping':
        say({ type: 'pong', n: data.n });
        break;
    }
  };
  for (const kind of ['keydown', 'pointerdown', 'mousedown', 'touchstart', 'wheel', 'input']) {
    document.addEventListener(kind, holdBack, { capture: true, passive: false });
  }
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

/** Without the grant a widget can be looked at; moving it here would show what is not so. */
function holdBack(event: Event): void {
  const isTab = event instanceof KeyboardEvent && event.key === 'Tab';
  const target = event.target instanceof Element ? event.target : null;
  if (!isTab && target?.closest('.look-only .widget')) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
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
