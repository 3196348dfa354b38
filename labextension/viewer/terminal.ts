import { Words } from '../src/viewerprotocol';
import { AnsiText } from './ansi';

/** Characters of one text that are drawn; a browser is slow with more. */
export const MAX_SHOWN = 200_000;

/** Return text with terminal colours as HTML, with everything else in it escaped. */
export function ansiToHtml(text: string): string {
  return new AnsiText().html(overwrite(text));
}

/** Apply control characters as a terminal does: a carriage return restarts the line, a backspace deletes. */
export function overwrite(text: string): string {
  if (/[\b]/.test(text)) {
    let before;
    do {
      before = text;
      text = text.replace(/[^\n\r\b][\b]/g, '');
    } while (text.length < before.length);
    text = text.replace(/[\b]+/g, '');
  }
  if (!text.includes('\r')) {
    return text;
  }
  return text
    .replace(/\r+\n/g, '\n')
    .split('\n')
    .map(line => {
      const parts = line.split('\r');
      // A line that ends with a carriage return is still to be seen until something is written.
      while (parts.length > 1 && parts[parts.length - 1] === '') {
        parts.pop();
      }
      return parts.reduce((under, over) => over + under.slice(over.length), '');
    })
    .join('\n');
}

/**
 * A stream as it grows: whole lines are drawn once, the last one again each time.
 *
 * So a progress bar costs its own line and a long log what is new in it.
 */
export class StreamView {
  readonly node = document.createElement('div');

  constructor(
    readonly name: string,
    private readonly _words: Words
  ) {
    const kind = name === 'stderr' ? 'stderr' : 'stdout';
    this.node.className = 'output jp-OutputArea-output jp-RenderedText';
    this.node.dataset.mimeType = `application/vnd.jupyter.${kind}`;
    this._pre.className = `stream ${kind}`;
    this._pre.append(this._last);
    this.node.append(this._pre);
  }

  show(text: string): void {
    if (!text.startsWith(this._text) || text.length > MAX_SHOWN) {
      this._begin();
      const cut = text.length - MAX_SHOWN;
      if (cut > 0) {
        this._last.before(cutNote(this._words.cut, cut), '\n');
        // From the beginning of a line, so that no escape sequence is cut in two.
        const line = text.indexOf('\n', cut);
        this._done = line < 0 || line > cut + MAX_SHOWN / 2 ? cut : line + 1;
      }
    }
    this._text = text;
    const end = text.lastIndexOf('\n') + 1;
    if (end > this._done) {
      const lines = document.createElement('span');
      lines.innerHTML = this._ansi.html(overwrite(text.slice(this._done, end)));
      this._last.before(lines);
      this._done = end;
    }
    // The colours at its beginning are those of the lines before.
    this._last.innerHTML = this._ansi.clone().html(overwrite(text.slice(this._done)));
  }

  private _begin(): void {
    this._pre.replaceChildren(this._last);
    this._ansi = new AnsiText();
    this._text = '';
    this._done = 0;
  }

  private readonly _pre = document.createElement('pre');
  private readonly _last = document.createElement('span');
  private _ansi = new AnsiText();
  private _text = '';
  /** Characters that are drawn for good. */
  private _done = 0;
}

/** Says how many characters are not shown where it stands. */
export function cutNote(words: string, count: number): HTMLElement {
  const note = document.createElement('em');
  note.textContent = words.replace('%1', String(count));
  return note;
}
