import { IPaneStep } from '../src/shapes';
import { runScript, runScripts } from './drawing';
import { setHtml } from './markup';
import { MimeBundle } from './outputs';

/** Runs what other cells of the kernel loaded into the owner's page, once, before the outputs are drawn. */
export class Loaders {
  take(step: IPaneStep): void {
    const { loaders = [] } = (step.widgets ?? {}) as { loaders?: MimeBundle[] };
    for (const bundle of loaders) {
      const { 'text/html': html, 'application/javascript': script } = bundle as Record<
        string,
        string
      >;
      const code = html ?? script ?? '';
      if (!this._done.has(code)) {
        this._done.add(code);
        this._run(html, script);
      }
    }
  }

  private _run(html: string | undefined, script: string | undefined): void {
    const node = document.createElement('div');
    node.hidden = true;
    document.body.append(node);
    // What it shows is the owner's; here only what it defines counts.
    const ignore = (event: Event) => event.stopImmediatePropagation();
    window.addEventListener('error', ignore, true);
    if (html !== undefined) {
      setHtml(node, html);
      runScripts(node);
    } else if (script !== undefined) {
      runScript(node, script);
    }
    window.removeEventListener('error', ignore, true);
  }

  private readonly _done = new Set<string>();
}
