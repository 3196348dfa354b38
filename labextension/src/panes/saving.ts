import { IDisplayData, IOutput } from '@jupyterlab/nbformat';

/** A picture as a browser can save it or copy it. */
export interface IPicture {
  mime: string;
  extension: string;
  /** Base64, or the text of an SVG. */
  data: string;
}

/** The kinds of pictures, the best first. */
const PICTURES: [string, string][] = [
  ['image/svg+xml', 'svg'],
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/webp', 'webp'],
  ['image/gif', 'gif'],
  ['image/bmp', 'bmp']
];

/** The last picture among outputs: what a plot shows now. */
export function pictureOf(outputs: readonly IOutput[]): IPicture | null {
  for (const output of [...outputs].reverse()) {
    const data = (output as IDisplayData).data ?? {};
    for (const [mime, extension] of PICTURES) {
      if (mime in data) {
        return { mime, extension, data: joined(data[mime]) };
      }
    }
  }
  return null;
}

/** Everything that outputs say in plain text, one after the other. */
export function textOf(outputs: readonly IOutput[]): string {
  const texts = outputs.map(output => {
    if (output.output_type === 'stream') {
      return joined(output.text);
    }
    if (output.output_type === 'error') {
      return `${String(output.ename)}: ${String(output.evalue)}\n`;
    }
    const plain = (output as IDisplayData).data?.['text/plain'];
    return plain === undefined ? '' : `${joined(plain)}\n`;
  });
  return texts.join('');
}

export function pictureBlob({ data, mime }: IPicture): Blob {
  if (mime === 'image/svg+xml') {
    return new Blob([data], { type: mime });
  }
  const bytes = Uint8Array.from(atob(data.replace(/\s/g, '')), each => each.charCodeAt(0));
  return new Blob([bytes], { type: mime });
}

/** A file name that says whose pane it is: `ada/loss` is saved as `ada-loss.png`. */
export function fileName(label: string, extension: string): string {
  const base = label.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+|-+$/g, '') || 'pane';
  return `${base}.${extension}`;
}

/** Let the browser save a file. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it after this task.
  window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function joined(value: unknown): string {
  return Array.isArray(value) ? value.join('') : String(value ?? '');
}
