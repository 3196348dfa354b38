import { DOMWidgetModel, DOMWidgetView } from '@jupyter-widgets/base';

/**
 * The widget that shows outputs, drawn as the pane's own are.
 *
 * JupyterLab's would bring all of its output area along.
 *
 * @param draw - Draws one output into a node.
 */
export function outputClasses(
  draw: (node: HTMLElement, output: unknown) => void
): Record<string, unknown> {
  class OutputModel extends DOMWidgetModel {
    override defaults(): Backbone.ObjectHash {
      return {
        ...super.defaults(),
        _model_name: 'OutputModel',
        _view_name: 'OutputView',
        _model_module: '@jupyter-widgets/output',
        _view_module: '@jupyter-widgets/output',
        outputs: []
      };
    }
  }

  class OutputView extends DOMWidgetView {
    override render(): void {
      super.render();
      this.listenTo(this.model, 'change:outputs', () => this._draw());
      this._draw();
    }

    private _draw(): void {
      const outputs = this.model.get('outputs');
      this.el.replaceChildren();
      for (const output of Array.isArray(outputs) ? outputs : []) {
        const node = document.createElement('div');
        this.el.append(node);
        draw(node, output);
      }
    }
  }

  return { OutputModel, OutputView };
}
