import { Parts } from './parts';

const ICONS = '.fa, .fas, .far, .fab, .jupyter-widgets-disconnected';
/** Addresses of the versions whose icons a pane has. */
const STYLE_SHEET = /font-?awesome.*[/@]v?[45]\.\d/i;

/** Whether a style sheet of the network has only icons that a pane has itself. */
export function isOfIcons({ href }: HTMLLinkElement): boolean {
  return STYLE_SHEET.test(href);
}

/** Give the page the icons that JupyterLab's page has, once something in a node shows one. */
export function bringIcons(node: HTMLElement, parts: Parts): void {
  const observer = new MutationObserver(() => {
    if (node.querySelector(ICONS)) {
      observer.disconnect();
      void parts.need('icons');
    }
  });
  observer.observe(node, { childList: true, subtree: true, attributeFilter: ['class'] });
}
