import * as controls from '@jupyter-widgets/controls';

/** What the views of sliders share; ipywidgets has no type for it. */
interface ISliderView {
  cid: string;
  label: HTMLElement;
  readout: HTMLElement;
  $slider: HTMLElement;
  createSlider(): void;
}

type SliderClass = new (...args: never[]) => ISliderView;

/** The views that ipywidgets draws by noUiSlider. */
const VIEWS = [
  'IntSliderView',
  'IntRangeSliderView',
  'FloatSliderView',
  'FloatLogSliderView',
  'FloatRangeSliderView',
  'SelectionSliderView',
  'SelectionRangeSliderView'
] as const;

/**
 * Return the views of sliders with handles that have a name, which those of ipywidgets do not have.
 *
 * A handle is called by its description and its readout, so one without a description has a name too.
 */
export function sliderClasses(): Record<string, unknown> {
  return Object.fromEntries(
    VIEWS.map(name => [name, withNamedHandles(controls[name] as unknown as SliderClass)])
  );
}

function withNamedHandles(View: SliderClass): SliderClass {
  return class extends View {
    /** Called again for each new orientation. */
    override createSlider(): void {
      super.createSlider();
      this.label.id = `${this.cid}-label`;
      this.readout.id = `${this.cid}-readout`;
      this.$slider
        .querySelectorAll('[role=slider]')
        .forEach(handle =>
          handle.setAttribute('aria-labelledby', `${this.label.id} ${this.readout.id}`)
        );
    }
  };
}
