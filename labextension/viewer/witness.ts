/**
 * The script of the outer page, which reports presses and activation in the frame below it.
 *
 * No script of a peer runs in this page, and the frame below has an origin of its own. So a report
 * cannot be forged: the browser alone sets `:active` and the user activation.
 */

import { FOCUS, IFrameReport, WITNESS, WitnessRequest } from '../src/viewerprotocol';

/** In Chromium a press inside the frame makes the element `:active`; other engines are not known to do so. */
const reportsPresses = CSS.supports('app-region', 'drag');

/** Report what the browser tells of the frame with the content. */
export function reportOn(content: HTMLIFrameElement): void {
  let isOver = false;

  function report(press: boolean, id = 0): void {
    const { isActive = false, hasBeenActive = false } = navigator.userActivation ?? {};
    const held = reportsPresses ? content.matches(':active') : isActive && isOver;
    const message: IFrameReport = {
      type: WITNESS,
      id,
      press: press || held,
      isActive,
      hasBeenActive
    };
    // The page that frames this one is known by its policy (`frame-ancestors`), not by its address.
    window.parent.postMessage(message, '*');
  }

  content.addEventListener('pointerenter', () => (isOver = true));
  content.addEventListener('pointerleave', () => (isOver = false));
  // The style sheet starts a transition when the element becomes `:active`, and none when that ends.
  content.addEventListener('transitionrun', () => report(true));
  window.addEventListener('message', event => {
    if (event.source !== window.parent) {
      return;
    }
    const request = event.data as WitnessRequest;
    if ('id' in request) {
      report(false, request.id);
    } else {
      // A press gave the content the focus, and it was given back before that was known.
      content.focus();
      content.contentWindow?.postMessage(FOCUS, '*');
    }
  });
}
