/** The page in which a pane is drawn. Everything that a peer sends ends here. */

import '@jupyterlab/rendermime/style/base.css';
import '@jupyterlab/outputarea/style/base.css';
import './highlight.css';
import './pane.css';
import { IPaneStep } from '../src/shapes';
import { FOCUS, FromFrame, IInput, PORT, READY, ToFrame, Words } from '../src/viewerprotocol';
import { drawOutput, WIDGET_VIEW } from './drawing';
import { Fit } from './fit';
import { bringIcons } from './icons';
import { followLinks } from './links';
import { Loaders } from './loaders';
import { Mathematics } from './mathematics';
import { ModuleCode } from './modulecode';
import { fill, Notes } from './notes';
import { asText, IOutput, MimeBundle } from './outputs';
import { Pane } from './pane';
import { Parts } from './parts';
import { takeAwayHistory, takeAwayWebRtc } from './realm';
import { bringLibraries } from './standins';
import { ITools } from './tools';
import { IWidgets, IWidgetsHost, WidgetDesk, WIDGETS_GLOBAL } from './widgethost';

/** Names of classes that the page's style sheet knows, and that no output has by chance. */
const WIDGET = 'peer-widget';
const LOOK_ONLY = 'peer-look-only';
const SCROLLING = ['touchstart', 'wheel'];

takeAwayWebRtc();
takeAwayHistory();

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
  document.body.classList.add('jp-ThemedContainer');
  const place = document.getElementById('pane') as HTMLElement;
  place.classList.add('jp-OutputArea');
  const loaders = new Loaders();
  const notes = new Notes(
    document.getElementById('notes') as HTMLElement,
    words,
    host => say({ type: 'blocked', host }),
    file => loaders.names(file)
  );
  const parts = new Parts(part => say({ type: 'need', part }));
  bringIcons(place, parts);
  bringLibraries(parts);
  const modules = new ModuleCode(name => say({ type: 'module', name }));
  const mathematics = new Mathematics(parts);
  const tools: ITools = {
    words,
    parts,
    mathematics,
    drawWidget: (node, bundle) => drawWidget(node, bundle),
    onBlocked: uri => notes.blocked(uri),
    onLink: url => say({ type: 'link', url })
  };
  const pane = new Pane(place, tools, rev => say({ type: 'shown', rev }));
  const fit = new Fit(place);
  const desk = new WidgetDesk(() => void startWidgets());
  const drawWidget = (node: HTMLElement, bundle: MimeBundle): true | string => {
    const drawn = desk.draw(node, bundle);
    if (drawn === true) {
      node.classList.add(WIDGET);
      node.dataset.lookOnly = words.readOnly;
      node.ariaDisabled = String(document.body.classList.contains(LOOK_ONLY));
      return true;
    }
    switch (drawn) {
      case 'closed':
        return true;
      case 'later':
        return '';
      case 'unknown':
        return fill(words.widgetUnknown, asText(bundle['text/plain']).slice(0, 60));
      case 'lost':
        return words.noWidgets;
      default:
        return fill(words.noModule, drawn.module, drawn.why);
    }
  };
  const startWidgets = async () => {
    if (await parts.need('widgets')) {
      const scope = window as unknown as Record<string, (host: IWidgetsHost) => IWidgets>;
      desk.begin(scope[WIDGETS_GLOBAL](host));
    } else {
      desk.giveUp();
    }
    pane.redraw(({ data }) => WIDGET_VIEW in (data ?? {}));
  };
  const host: IWidgetsHost = {
    send: (message, id) => say({ type: 'input', id, message: message as IInput }),
    drawOutput: (node, output) => drawOutput(node, output as IOutput, tools),
    typeset: node => void mathematics.typeset(node),
    moduleCode: name => modules.get(name),
    changed: () => pane.redraw(({ data }) => desk.isLate(data ?? {}))
  };
  const takeStep = (step: IPaneStep) => {
    const draw = () => {
      desk.take(step);
      pane.take(step);
    };
    const loaded = loaders.take(step);
    void (loaded ? loaded.then(draw) : draw());
  };
  port.onmessage = ({ data }: MessageEvent<ToFrame>) => {
    switch (data.type) {
      case 'step':
        if (data.step.outputs) {
          notes.clear();
        }
        takeStep(data.step);
        break;
      case 'theme':
        applyTheme(data.variables, data.light);
        break;
      case 'grant':
        document.body.classList.toggle(LOOK_ONLY, !data.interact);
        for (const node of document.querySelectorAll(`.${WIDGET}`)) {
          node.ariaDisabled = String(!data.interact);
        }
        notes.refused(null);
        if (!data.interact) {
          desk.takeBack();
        }
        break;
      case 'fit':
        fit.isOn = data.on;
        break;
      case 'part':
        parts.arrived(data.part, data.code);
        break;
      case 'module':
        modules.arrived(data.name, data.code, data.why);
        break;
      case 'answered':
        desk.answered(data.id, data.error === null);
        // Without a reason nobody did anything: a script or a model moved by itself.
        notes.refused(data.error || null);
        break;
      case 'ping':
        say({ type: 'pong', n: data.n });
        break;
    }
  };
  // A browser forgets it as soon as another page has the focus.
  let focused: HTMLElement | null = null;
  document.addEventListener('focusin', ({ target }) => {
    focused = target instanceof HTMLElement ? target : null;
  });
  window.addEventListener('message', ({ source, data }) => {
    if (source === window.parent && data === FOCUS) {
      (focused?.isConnected ? focused : window).focus();
    }
  });
  for (const kind of ['keydown', 'pointerdown', 'mousedown', 'touchstart', 'wheel', 'input']) {
    document.addEventListener(kind, holdBack, { capture: true, passive: SCROLLING.includes(kind) });
  }
  followLinks(tools.onLink, place => (place ? place.scrollIntoView() : window.scrollTo(0, 0)));
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
  if (!isTab && target?.closest(`.${LOOK_ONLY} .${WIDGET}`)) {
    event.stopImmediatePropagation();
    // Whoever scrolls past a widget scrolls the pane.
    if (!SCROLLING.includes(event.type)) {
      event.preventDefault();
    }
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
