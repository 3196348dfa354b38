const LEAST = 0.25;
const MOST = 4;
/** Halvings of the range: a step of one percent. */
const TRIES = 9;

/** Zooms the page, so that all of it is as large as it fits into the frame. */
export class Fit {
  constructor(private readonly _page: HTMLElement) {
    window.addEventListener('resize', this._zoom);
    // Outputs that change have another size.
    this._observer = new ResizeObserver(this._zoom);
  }

  set isOn(isOn: boolean) {
    this._isOn = isOn;
    this._observer.disconnect();
    if (isOn) {
      this._observer.observe(this._page);
    } else {
      this._page.style.zoom = '';
    }
  }

  private readonly _zoom = (): void => {
    if (!this._isOn) {
      return;
    }
    let [least, most] = [LEAST, MOST];
    for (let n = 0; n < TRIES; n++) {
      const factor = (least + most) / 2;
      this._page.style.zoom = String(factor);
      if (this._isWhole()) {
        least = factor;
      } else {
        most = factor;
      }
    }
    this._page.style.zoom = String(least);
  };

  /** Whether nothing has to be scrolled to, nor in one of the outputs. */
  private _isWhole(): boolean {
    const { clientHeight, clientWidth, scrollHeight, scrollWidth } = document.documentElement;
    return (
      scrollHeight <= clientHeight &&
      scrollWidth <= clientWidth &&
      [...this._page.querySelectorAll('.jp-OutputArea-output')].every(
        each => each.scrollWidth <= each.clientWidth + 1
      )
    );
  }

  private readonly _observer: ResizeObserver;
  private _isOn = false;
}
