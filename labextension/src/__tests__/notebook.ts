import { Token } from '@lumino/coreutils';

/** What JupyterLab knows its open notebooks by. */
export const INotebookTracker = new Token('@jupyterlab/notebook:INotebookTracker');
