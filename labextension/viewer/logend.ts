/** Pixels at the end that may be out of sight: sizes are rounded. */
const SLACK = 4;

/** Return what scrolls to the end again, if the page is scrolled to its end now. */
export function stayAtEnd(): () => void {
  const page = document.documentElement;
  const isAtEnd = page.scrollTop + page.clientHeight >= page.scrollHeight - SLACK;
  return () => {
    if (isAtEnd) {
      page.scrollTop = page.scrollHeight;
    }
  };
}
