import { IPaneStep } from '../src/shapes';
import { runScript, runScripts } from './drawing';
import { setHtml } from './markup';
import { errorsOf } from './notes';
import { MimeBundle } from './outputs';
import { ShortTimers } from './timers';

/** What a script may need of them: a bundle that runs nothing, or only names, needs none. */
const RUNS = /<script|\son\w+\s*=|<[a-z]+-[a-z]|javascript"|_exec\.v|widget-view/i;
/** For all loaders of a step: one that waits for a library that cannot come has had its time. */
const PATIENCE_MS = 3000;

/**
 * Runs what other cells of the kernel loaded into the owner's page, each once.
 *
 * One begins when the one before has come to rest, as cells do that a person runs, and what is to be
 * drawn waits for all.
 */
export class Loaders {
  /** Run what a step needs. Returns what it has to wait for before it is drawn, if there is anything. */
  take(step: IPaneStep): Promise<void> | null {
    const { loaders } = (step.widgets ?? {}) as { loaders?: MimeBundle[] };
    this._waiting.push(...(loaders ?? []));
    if (this._waiting.length > 0 && RUNS.test(JSON.stringify([step.outputs, step.messages]))) {
      const due = this._waiting.splice(0);
      this._last = (this._last ?? Promise.resolve()).then(() => this._runAll(due));
    }
    return this._last;
  }

  /** Whether one of them names a file: it lies beside the owner's page, and an output may do without. */
  names(file: string): boolean {
    return [...this._done].some(code => code.includes(file));
  }

  private async _runAll(due: MimeBundle[]): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (const bundle of due) {
      const { 'text/html': html, 'application/javascript': script } = bundle as Record<
        string,
        string
      >;
      const code = html ?? script ?? '';
      if (!this._done.has(code)) {
        this._done.add(code);
        const left = new Promise(resolve => setTimeout(resolve, deadline - performance.now()));
        const timers = new ShortTimers();
        await Promise.race([run(html, script), left]);
        await timers.rest(deadline);
      }
    }
  }

  private readonly _waiting: MimeBundle[] = [];
  private readonly _done = new Set<string>();
  private _last: Promise<void> | null = null;
}

/** Run a loader; settles when the libraries that a pane has itself are there. */
async function run(html: string | undefined, script: string | undefined): Promise<void> {
  const node = document.createElement('div');
  node.hidden = true;
  document.body.append(node);
  // What it shows is the owner's, and so is what fails; here only what it defines counts.
  let whole: Promise<void> | undefined;
  errorsOf(() => {
    if (html !== undefined) {
      setHtml(node, html);
      whole = runScripts(node);
    } else if (script !== undefined) {
      runScript(node, script);
    }
  });
  await whole;
}
