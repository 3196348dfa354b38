import type { INotebookTracker } from '@jupyterlab/notebook';
import * as React from 'react';
import { IView } from '../context';
import { ControlSocket } from '../control';
import { runForm } from '../panel/dialog';
import { IOwnPane } from '../shapes';
import { CommandIDs } from '../tokens';
import { nameOf } from './cells';
import {
  AudienceFields,
  choosable,
  IAudience,
  NameFields,
  noLongerChosen,
  readAudience
} from './fields';
import { ICellRun } from './runs';

/** A notebook that is open, with its kernel. */
export interface IPresentable {
  title: string;
  path: string;
  kernelId: string;
}

/** The notebook that a person works in; null without a kernel. */
export function currentNotebook({ currentWidget }: INotebookTracker): IPresentable | null {
  const { context, sessionContext, title } = currentWidget ?? {};
  const kernelId = sessionContext?.session?.kernel?.id;
  return context && kernelId ? { title: title!.label, path: context.localPath, kernelId } : null;
}

/** The pane by which this page, another one or its kernel presents a notebook. */
export function presentedPane(
  panes: readonly IOwnPane[],
  notebook: IPresentable | null
): IOwnPane | undefined {
  return panes.find(
    ({ kernel_id, path, presented_by: by, status }) =>
      notebook !== null &&
      status === 'live' &&
      kernel_id === notebook.kernelId &&
      (by === 'kernel' || (by === 'page' && path === notebook.path))
  );
}

/** Presents notebooks: their panes show the cells that run in a page from then on, in any language. */
export class Presenter {
  constructor(
    private readonly _view: IView,
    private readonly _control: ControlSocket
  ) {
    _view.model.stateChanged.connect((_, { panes }) => {
      // From here on the model knows how they stand.
      for (const { name, status } of panes.mine) {
        if (status === 'live') {
          this._begun.delete(name);
        }
      }
    });
  }

  /** Ask with whom, and present. A notebook that was presented before shows who could see it. */
  async ask(notebook: IPresentable): Promise<void> {
    const { commands, model, trans } = this._view;
    const who = choosable(this._view);
    if (who.peers.length === 0 && !who.canLink) {
      await commands.execute(CommandIDs.invite);
      return;
    }
    const { mine } = model.state.panes;
    const before = mine.find(pane => pane.presented_by === 'page' && pane.path === notebook.path);
    const title = before?.title ?? notebook.title.replace(/\.ipynb$/, '');
    const taken = mine.map(({ name }) => name);
    const done = await runForm({
      trans,
      title: trans.__('Present this notebook'),
      action: trans.__('Present'),
      fields: (
        <>
          <AudienceFields
            view={this._view}
            choosable={who}
            shared={before ? [before] : []}
            mayHaveWidgets={true}
          />
          <NameFields trans={trans} name={before?.name ?? nameOf(title, taken)} title={title} />
          <label className="jp-Peers-checkbox">
            <input type="checkbox" name="tracebacks" />
            <span>{trans.__('Show tracebacks, which quote lines of your code')}</span>
          </label>
          <p className="jp-Peers-muted">
            {trans.__(
              'They see the outputs of the cells that you run from now on, without your code, until you stop.'
            )}
          </p>
        </>
      ),
      task: async values => {
        const { audience, byLink } = readAudience(values, who.canLink, trans);
        const { name, title: said } = values;
        for (const peer of noLongerChosen(before, name, audience.with, who.peers)) {
          await this._control.request('grant', { name, peer, grant: 'none' });
        }
        const tracebacks = 'tracebacks' in values;
        await this._share(notebook, { name, title: said, tracebacks, ...audience });
        return { name, byLink };
      }
    });
    if (done?.byLink) {
      await commands.execute(CommandIDs.link, { name: done.name });
    }
  }

  /** Add a cell that a page runs to the panes of its notebook; one whose kernel restarted goes on. */
  async onRun({ kernelId, path, request }: ICellRun): Promise<void> {
    const { mine } = this._view.model.state.panes;
    const known = mine.filter(
      pane => pane.presented_by === 'page' && pane.kernel_id === kernelId && pane.path === path
    );
    for (const { name, status, title } of known) {
      if (status === 'ended') {
        await this._share({ title, path, kernelId }, { name, title, with: [], grant: 'view' });
      }
    }
    const names = new Set(known.map(({ name }) => name));
    for (const [name, notebook] of this._begun) {
      if (notebook.kernelId === kernelId && notebook.path === path) {
        names.add(name);
      }
    }
    for (const name of names) {
      await this._control.request('present_cell', { kernel_id: kernelId, name, cell: request });
    }
  }

  private async _share(
    notebook: IPresentable,
    sharing: IAudience & { name: string; title: string; tracebacks?: boolean }
  ): Promise<void> {
    const { kernelId, path } = notebook;
    this._begun.set(sharing.name, notebook);
    try {
      const params = { ...sharing, kernel_id: kernelId, path, notebook: true };
      await this._control.request('share', params);
    } catch (reason) {
      this._begun.delete(sharing.name);
      throw reason;
    }
  }

  /** Presentations that the model may not have heard of yet. */
  private readonly _begun = new Map<string, IPresentable>();
}
