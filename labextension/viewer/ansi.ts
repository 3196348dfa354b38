/** Text with terminal colours as HTML: the codes that JupyterLab draws, by its names of classes. */

type Colour = number | [number, number, number] | null;

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
// ECMA-48: CSI sequences, OSC strings with their text, and the two-character escapes.
const ESCAPE = new RegExp(
  String.raw`\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\)?|\x1b[@-Z\\\-_]`,
  'g'
);
const LINK = /(?:https?:\/\/|www\.)[^\s<>"]+[^\s<>"'(){}[\],:;.!?]/gu;

export class AnsiText {
  /** Return a piece of a text as HTML; colours that are not reset go on in the next piece. */
  html(text: string): string {
    let html = '';
    let start = 0;
    for (const match of text.matchAll(ESCAPE)) {
      html += this._span(text.slice(start, match.index));
      start = match.index + match[0].length;
      if (match[2] === 'm') {
        this._apply(match[1].split(/[;:]/).map(Number));
      } else if (match[3]?.startsWith('8;')) {
        this._link = match[3].split(';').slice(2).join(';');
      }
    }
    return html + this._span(text.slice(start));
  }

  /** A copy that goes on from here, and leaves this one as it is. */
  clone(): AnsiText {
    return Object.assign(new AnsiText(), this);
  }

  private _apply(codes: number[]): void {
    while (codes.length > 0) {
      const code = codes.shift() ?? 0;
      if (code === 0) {
        this._front = this._back = null;
        this._isBold = this._isUnderlined = this._isInverse = false;
      } else if (code === 1 || code === 5) {
        this._isBold = true;
      } else if (code === 21 || code === 22) {
        this._isBold = false;
      } else if (code === 4 || code === 24) {
        this._isUnderlined = code === 4;
      } else if (code === 7 || code === 27) {
        this._isInverse = code === 7;
      } else if (code >= 30 && code <= 37) {
        this._front = code - 30;
      } else if (code >= 40 && code <= 47) {
        this._back = code - 40;
      } else if (code >= 90 && code <= 97) {
        this._front = code - 82;
      } else if (code >= 100 && code <= 107) {
        this._back = code - 92;
      } else if (code === 39) {
        this._front = null;
      } else if (code === 49) {
        this._back = null;
      } else if (code === 38) {
        this._front = extended(codes, this._front);
      } else if (code === 48) {
        this._back = extended(codes, this._back);
      }
    }
  }

  private _span(text: string): string {
    if (text === '') {
      return '';
    }
    const isLink = /^https?:/i.test(this._link);
    const html = isLink ? anchor(this._link, text) : linked(text);
    let [front, back] = [this._front, this._back];
    // As terminals do it, and JupyterLab: bold text has the intense colour.
    if (this._isBold && typeof front === 'number' && front < 8) {
      front += 8;
    }
    if (this._isInverse) {
      [front, back] = [back, front];
    }
    const classes: string[] = [];
    const styles: string[] = [];
    const paint = (colour: Colour, end: 'fg' | 'bg', property: string) => {
      if (typeof colour === 'number') {
        classes.push(`ansi-${NAMES[colour % 8]}${colour < 8 ? '' : '-intense'}-${end}`);
      } else if (colour) {
        styles.push(`${property}: rgb(${colour.join()})`);
      } else if (this._isInverse) {
        classes.push(`ansi-default-inverse-${end}`);
      }
    };
    paint(front, 'fg', 'color');
    paint(back, 'bg', 'background-color');
    if (this._isBold) {
      classes.push('ansi-bold');
    }
    if (this._isUnderlined) {
      classes.push('ansi-underline');
    }
    if (classes.length + styles.length === 0) {
      return html;
    }
    const attributes = [
      classes.length ? ` class="${classes.join(' ')}"` : '',
      styles.length ? ` style="${styles.join('; ')}"` : ''
    ];
    return `<span${attributes.join('')}>${html}</span>`;
  }

  private _front: Colour = null;
  private _back: Colour = null;
  private _isBold = false;
  private _isUnderlined = false;
  private _isInverse = false;
  private _link = '';
}

/** A colour of 256, or of red, green and blue; takes its codes off the list. */
function extended(codes: number[], before: Colour): Colour {
  const kind = codes.shift();
  if (kind === 2 && codes.length >= 3) {
    return codes.splice(0, 3).map(part => Math.min(255, part)) as [number, number, number];
  }
  const index = kind === 5 ? codes.shift() : undefined;
  if (index === undefined || !(index >= 0 && index < 256)) {
    codes.length = 0;
    return before;
  }
  if (index < 16) {
    return index;
  }
  if (index >= 232) {
    const grey = (index - 232) * 10 + 8;
    return [grey, grey, grey];
  }
  const part = (value: number) => (value % 6 ? (value % 6) * 40 + 55 : 0);
  const cube = index - 16;
  return [part(Math.floor(cube / 36)), part(Math.floor(cube / 6)), part(cube)];
}

/** Text as HTML, with the web addresses in it as links. */
function linked(text: string): string {
  let html = '';
  let start = 0;
  for (const match of text.matchAll(LINK)) {
    const [url] = match;
    html += escapeHtml(text.slice(start, match.index));
    html += anchor(url.startsWith('www.') ? `https://${url}` : url, url);
    start = match.index + url.length;
  }
  return html + escapeHtml(text.slice(start));
}

function anchor(url: string, label: string): string {
  return `<a href="${escapeHtml(url)}" rel="noopener" target="_blank">${escapeHtml(label)}</a>`;
}

export function escapeHtml(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}
