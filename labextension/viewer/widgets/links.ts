import { WidgetModel } from '@jupyter-widgets/base';
import { DirectionalLinkModel, LinkModel } from '@jupyter-widgets/controls';

/**
 * Return links of widgets that do not begin with a value which their source does not have yet.
 *
 * In the page of the owner the value comes before anything is drawn. A page that begins in between
 * would draw the target with what cannot be drawn, such as a slider without a value.
 */
export function linkClasses(): Record<string, unknown> {
  return {
    LinkModel: withoutNothing(LinkModel),
    DirectionalLinkModel: withoutNothing(DirectionalLinkModel)
  };
}

function withoutNothing(Link: typeof DirectionalLinkModel): typeof DirectionalLinkModel {
  return class extends Link {
    override updateValue(
      source: WidgetModel,
      key: string,
      target: WidgetModel,
      targetKey: string
    ): void {
      if (this.hasBegun || (source.get(key) ?? null) !== null) {
        super.updateValue(source, key, target, targetKey);
      }
    }

    /** Fields are set after `initialize`, which makes the first update. */
    readonly hasBegun: boolean = true;
  };
}
