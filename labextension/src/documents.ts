import { JupyterFrontEnd } from '@jupyterlab/application';
import { SplitPanel, TabPanel, Widget } from '@lumino/widgets';

/** Smallest height of a document below the notebook, in pixels. */
const LEAST_HEIGHT = 200;

/**
 * Add a document to the page: in JupyterLab a tab, in Notebook 7 a tab below the notebook.
 *
 * A page of Notebook 7 has one document, and its main area takes no other.
 */
export function addDocument(shell: JupyterFrontEnd.IShell, widget: Widget, type: string): void {
  shell.add(widget, 'main', { type });
  if (!widget.isAttached) {
    shell.add(widget, 'down', { type });
  }
}

/** Show a document that was added. */
export function showDocument(shell: JupyterFrontEnd.IShell, widget: Widget): void {
  shell.activateById(widget.id);
  const below = widget.parent?.parent;
  if (below instanceof TabPanel) {
    // Notebook 7 shows this area without choosing the tab, and as high as its tabs.
    below.currentWidget = widget;
    // It has its first height once it is laid out.
    requestAnimationFrame(() => {
      if (below.node.offsetHeight < LEAST_HEIGHT && below.parent instanceof SplitPanel) {
        below.parent.setRelativeSizes([3, 2]);
      }
    });
  }
}
