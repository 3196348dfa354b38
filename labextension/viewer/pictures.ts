import { bytesOf } from './base64';
import { IOutput } from './outputs';

const NAMESPACE = 'http://www.w3.org/2000/svg';
/**
 * The addresses of pictures, each for as long as there is the element that shows it.
 *
 * They are not the pictures themselves (`data:`): Chromium 156 keeps the addresses of the last 500
 * pictures of a page, whatever their length.
 */
const addresses = new FinalizationRegistry<string>(address => URL.revokeObjectURL(address));

/** Draw a picture; as a picture an SVG runs no script and loads nothing. */
export async function picture(
  node: HTMLElement,
  mime: string,
  value: string,
  { metadata }: IOutput,
  plain: string
): Promise<void> {
  const isSvg = mime === 'image/svg+xml';
  node.classList.add(isSvg ? 'jp-RenderedSVG' : 'jp-RenderedImage');
  const image = document.createElement('img');
  image.src = URL.createObjectURL(new Blob([partOf(value, isSvg)], { type: mime }));
  addresses.register(image, image.src);
  image.alt = plain.slice(0, 200) || mime;
  const { width, height, needs_background, unconfined } = (metadata?.[mime] ??
    metadata ??
    {}) as Record<string, unknown>;
  for (const [side, size] of Object.entries({ width, height })) {
    if (typeof size === 'number' && size > 0 && size < 100_000) {
      image.setAttribute(side, String(Math.round(size)));
    }
  }
  if (needs_background === 'light' || needs_background === 'dark') {
    image.classList.add(`jp-needs-${needs_background}-background`);
  }
  if (unconfined === true) {
    image.classList.add('jp-mod-unconfined');
  }
  node.append(image);
  // A broken picture shows its text.
  await image.decode().catch(() => undefined);
}

/** What is no base64 is no picture, and its text is shown. */
function partOf(value: string, isSvg: boolean): BlobPart {
  try {
    return isSvg ? withNamespace(value) : bytesOf(value);
  } catch {
    return '';
  }
}

/** An SVG alone is a picture only with its namespace, which many programs leave out. */
function withNamespace(svg: string): string {
  return /<svg[^>]*\sxmlns=/.test(svg) ? svg : svg.replace('<svg', `<svg xmlns="${NAMESPACE}"`);
}
