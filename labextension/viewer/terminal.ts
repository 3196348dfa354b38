import { AnsiUp } from 'ansi_up';
import { Words } from '../src/viewerprotocol';

/** Characters of one stream that are drawn; a browser is slow with more. */
export const MAX_SHOWN = 200_000;

/** Return text with terminal colours as HTML, with everything else in it escaped. */
export function ansiToHtml(text: string): string {
  return converter().ansi_to_html(overwrite(text));
}

function converter(): AnsiUp {
  const ansi = new AnsiUp();
  ansi.use_classes = true;
  ansi.url_allowlist = { http: 1, https: 1 };
  return ansi;
}

/** What a terminal leaves of a text: a carriage return begins the line again, a backspace takes back. */
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
  readonly node = document.createElement('pre');

  constructor(
    readonly name: string,
    private readonly _words: Words
  ) {
    this.node.className = `stream ${name === 'stderr' ? 'stderr' : 'stdout'}`;
    this.node.append(this._last);
  }

  show(text: string): void {
    if (!text.startsWith(this._text) || text.length > MAX_SHOWN) {
      this._begin();
      const cut = text.length - MAX_SHOWN;
      if (cut > 0) {
        const note = document.createElement('em');
        note.textContent = `${this._words.cut.replace('%1', String(cut))}\n`;
        this._last.before(note);
        // From the beginning of a line, so that no escape sequence is cut in two.
        const line = text.indexOf('\n', cut);
        this._done = line < 0 || line > cut + MAX_SHOWN / 2 ? cut : line + 1;
      }
    }
    this._text = text;
    const end = text.lastIndexOf('\n') + 1;
    if (end > this._done) {
      const lines = document.createElement('span');
      lines.innerHTML = this._ansi.ansi_to_html(overwrite(text.slice(this._done, end)));
      this._last.before(lines);
      this._done = end;
    }
    // The colours at its beginning are those of the lines before.
    const ansi: AnsiUp = Object.assign(converter(), this._ansi);
    this._last.innerHTML = ansi.ansi_to_html(overwrite(text.slice(this._done)));
  }

  private _begin(): void {
    this.node.replaceChildren(this._last);
    this._ansi = converter();
    this._text = '';
    this._done = 0;
  }

  private readonly _last = document.createElement('span');
  private _ansi = converter();
  private _text = '';
  /** Characters that are drawn for good. */
  private _done = 0;
}
