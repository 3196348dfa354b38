import { IPaneStep } from '../src/shapes';
import { draw } from './drawing';
import { Emptiness } from './emptiness';
import { stayAtEnd } from './logend';
import { IOutput, OutputList } from './outputs';
import { StreamView } from './terminal';
import { ITools } from './tools';

/** JupyterLab's class of what a cell returns. */
const RESULT = 'jp-OutputArea-executeResult';
/** A picture that takes longer than this is shown as it comes. */
const PATIENCE_MS = 1000;

interface IDrawn {
  output: IOutput;
  node: HTMLElement;
  stream?: StreamView;
}

/**
 * All outputs of a pane, drawn.
 *
 * Only what has changed is drawn again, next to what it replaces, and takes its place when it is
 * whole: so a plot that moves does not flicker. What comes meanwhile is drawn in one go.
 */
export class Pane {
  constructor(
    private readonly _node: HTMLElement,
    private readonly _tools: ITools,
    private readonly _onShown: (rev: number) => void
  ) {
    this._emptiness = new Emptiness(_node, _tools.words);
  }

  take(step: IPaneStep): void {
    this._list.take(step);
    this._rev = step.rev;
    this._isStale = true;
    if (!this._isDrawing) {
      this._isDrawing = true;
      requestAnimationFrame(() => void this._drawAll());
    }
  }

  /** Draw again what a widget manager that has come meanwhile can draw better. */
  redraw(isWanted: (output: IOutput) => boolean): void {
    this._again = isWanted;
    this._isStale = true;
    if (!this._isDrawing) {
      this._isDrawing = true;
      void this._drawAll();
    }
  }

  private async _drawAll(): Promise<void> {
    try {
      while (this._isStale) {
        this._isStale = false;
        const rev = this._rev;
        await this._drawOnce(this._list.items);
        this._onShown(rev);
      }
    } finally {
      this._isDrawing = false;
    }
  }

  private async _drawOnce(outputs: IOutput[]): Promise<void> {
    const again = this._again;
    this._again = null;
    for (const drawn of again ? this._drawn : []) {
      if (again?.(drawn.output)) {
        drawn.output = STALE;
      }
    }
    // A log is followed by those who have read it to its end; one that was just opened begins at its top.
    const isLog = this._drawn.length > 0 && outputs[outputs.length - 1]?.output_type === 'stream';
    const follow = isLog ? stayAtEnd() : null;
    const next = outputs.map((output, index) => this._drawnOf(output, this._drawn[index]));
    await Promise.race([
      Promise.all(next.map(each => each.whole)),
      new Promise(resolve => setTimeout(resolve, PATIENCE_MS))
    ]);
    const shown = new Set(next.map(({ drawn }) => drawn.node));
    this._drawn.filter(({ node }) => !shown.has(node)).forEach(({ node }) => node.remove());
    let place = this._node.firstChild;
    for (const { drawn } of next) {
      // What stands there already is not moved: a frame in it would load again.
      if (drawn.node === place) {
        place = place.nextSibling;
      } else {
        this._node.insertBefore(drawn.node, place);
      }
      drawn.node.classList.remove('coming');
    }
    this._drawn = next.map(({ drawn }) => drawn);
    this._emptiness.note(outputs.length);
    follow?.();
  }

  private _drawnOf(
    output: IOutput,
    before: IDrawn | undefined
  ): { drawn: IDrawn; whole: Promise<void> } {
    if (before?.output === output) {
      return { drawn: before, whole: Promise.resolve() };
    }
    if (output.output_type === 'stream') {
      const goesOn = before?.stream?.name === output.name ? before?.stream : undefined;
      const stream = goesOn ?? new StreamView(output.name ?? 'stdout', this._tools.words);
      stream.show(output.text ?? '');
      return { drawn: { output, node: stream.node, stream }, whole: Promise.resolve() };
    }
    const node = document.createElement('div');
    const isResult = output.output_type === 'execute_result';
    node.className = `output coming jp-OutputArea-child ${isResult ? RESULT : ''}`;
    // Scripts that draw look for their place in the document by its id, and for its width. What is
    // replaced may have the same id, so it comes after.
    this._node.insertBefore(node, before?.node ?? null);
    const whole = draw(node, output, this._tools);
    return { drawn: { output, node }, whole };
  }

  private readonly _emptiness: Emptiness;
  private readonly _list = new OutputList();
  private _drawn: IDrawn[] = [];
  /** Outputs to draw again after the current drawing has finished. */
  private _again: ((output: IOutput) => boolean) | null = null;
  private _rev = 0;
  private _isStale = false;
  private _isDrawing = false;
}

const STALE: IOutput = { output_type: 'stale' };
