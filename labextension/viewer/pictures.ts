import { bytesOf } from './base64';
import { type IOutput, metadataOf } from './outputs';

const NAMESPACE = 'http://www.w3.org/2000/svg';
/**
 * The addresses of pictures, each for as long as there is the element that shows it.
 *
 * They are not the pictures themselves (`data:`): Chromium 156 keeps the addresses of the last 500
 * pictures of a page, whatever their length.
 */
const addresses = new FinalizationRegistry<string>(address => URL.revokeObjectURL(address));

const UNCONFINED = 'jp-mod-unconfined';

/**
 * Draw a picture; as a picture an SVG runs no script and loads nothing.
 *
 * As in JupyterLab, an SVG has the size that it says itself, and the ground of the page.
 */
export async function picture(
  node: HTMLElement,
  mime: string,
  value: string,
  output: IOutput,
  plain: string
): Promise<void> {
  const isSvg = mime === 'image/svg+xml';
  node.classList.add(isSvg ? 'jp-RenderedSVG' : 'jp-RenderedImage');
  const image = document.createElement('img');
  image.src = URL.createObjectURL(new Blob([partOf(value, isSvg)], { type: mime }));
  addresses.register(image, image.src);
  image.alt = plain.slice(0, 200) || mime;
  const { width, height, unconfined } = metadataOf(output, mime);
  if (isSvg) {
    node.classList.toggle(UNCONFINED, unconfined === true);
  } else {
    for (const [side, size] of Object.entries({ width, height })) {
      if (typeof size === 'number' && size >= 0 && size < 100_000) {
        image.setAttribute(side, String(Math.trunc(size)));
      }
    }
    // The ground is said of all kinds of the output, sizes of each kind by itself.
    const ground = output.metadata?.needs_background;
    if (ground === 'light' || ground === 'dark') {
      image.classList.add(`jp-needs-${ground}-background`);
    }
    image.classList.toggle(UNCONFINED, unconfined === true);
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
