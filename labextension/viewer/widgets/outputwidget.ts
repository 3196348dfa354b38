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
      // The classes by which JupyterLab places it.
      this.el.classList.add('jupyter-widgets', 'widget-output');
      this._area.className = 'jp-OutputArea';
      this.el.append(this._area);
      this.listenTo(this.model, 'change:outputs', () => this._draw());
      this._draw();
    }

    private _draw(): void {
      const outputs = this.model.get('outputs');
      this._area.replaceChildren();
      for (const output of Array.isArray(outputs) ? outputs : []) {
        const node = document.createElement('div');
        node.className = 'output jp-OutputArea-child';
        this._area.append(node);
        draw(node, output);
      }
    }

    private readonly _area = document.createElement('div');
  }

  return { OutputModel, OutputView };
}
