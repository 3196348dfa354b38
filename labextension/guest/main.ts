/** The page of guest links, and by `?frame` the frame in which it draws a pane (SPEC section 11). */

import './page.css';
import { takeAwayWebRtc } from '../viewer/realm';
import { reportOn } from '../viewer/witness';
import { readLink } from './address';
import { byId } from './header';
import { Page } from './page';

/** The document of the content, written in when the page is built. */
declare const FRAME_CONTENT: string;

if (location.search === '?frame') {
  showFrame();
} else {
  // A link that is pasted over another is another link.
  addEventListener('hashchange', () => location.reload());
  const link = readLink(location);
  if (link && window.top === window) {
    new Page(link).start();
  } else {
    byId('status').dataset.status = 'over';
    byId('status-words').textContent =
      'This link is not complete. Copy the whole link, with all that follows the #, or ask its owner for a new one.';
  }
}

/** Hold the content in a frame of its own: the policy of this one lets it go nowhere. */
function showFrame(): void {
  takeAwayWebRtc();
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.title = 'Pane';
  frame.srcdoc = FRAME_CONTENT;
  document.body.className = 'frame';
  document.body.replaceChildren(frame);
  reportOn(frame);
}
