/**
 * Follow no link: tell of the address or of the place in the page that a clicked one names.
 *
 * Nothing opens from here: the page around asks a person, who sees where a link goes. To follow a
 * link to a place would load the address of the page around, and add to the history of the tab.
 *
 * A frame within the page runs the text of this, so it refers to nothing else here.
 *
 * @param onLink - Receives an address of the web.
 * @param onPlace - Receives an element; null for the top of the page.
 */
export function followLinks(
  onLink: (url: string) => void,
  onPlace: (place: Element | null) => void
): void {
  // In SVG a link may have its address there.
  const xlink = 'http://www.w3.org/1999/xlink';
  const decoded = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const goTo = (link: Element, fragment: string): void => {
    const scope = link.getRootNode() as Document | ShadowRoot;
    const name = decoded(fragment);
    const place =
      scope.getElementById(fragment) ??
      scope.getElementById(name) ??
      scope.querySelector(`a[name="${CSS.escape(name)}"]`);
    if (place || /^(top)?$/i.test(name)) {
      onPlace(place);
    }
  };
  const follow = (event: Event): void => {
    const path = event.composedPath();
    const link = path.find(
      (each): each is Element => each instanceof Element && ['a', 'area'].includes(each.localName)
    );
    const target = link?.getAttribute('href') ?? link?.getAttributeNS(xlink, 'href');
    if (!link || !target) {
      return;
    }
    event.preventDefault();
    if (target.startsWith('#')) {
      goTo(link, target.slice(1));
    } else if (/^https?:/i.test(target)) {
      onLink(target);
    }
  };
  document.addEventListener('click', follow, true);
  document.addEventListener('auxclick', follow, true);
}
