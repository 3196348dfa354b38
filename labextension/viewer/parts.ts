import { Part } from '../src/viewerprotocol';

/**
 * Code that not every pane needs: what draws widgets, formulas and figures.
 *
 * The frame loads nothing by itself. It asks the page around once, and that page hands the code in.
 */
export class Parts {
  constructor(private readonly _ask: (part: Part) => void) {}

  /** Settles once the code of a part has run: false when it cannot be had. */
  need(part: Part): Promise<boolean> {
    let arrival = this._arrivals.get(part);
    if (!arrival) {
      let settle: (isThere: boolean) => void = () => undefined;
      const whole = new Promise<boolean>(resolve => {
        settle = resolve;
      });
      arrival = { whole, settle };
      this._arrivals.set(part, arrival);
      this._ask(part);
    }
    return arrival.whole;
  }

  /** The code has come, or, with null, it cannot be had. */
  arrived(part: Part, code: string | null): void {
    const arrival = this._arrivals.get(part);
    if (arrival && code !== null) {
      run(code);
    }
    arrival?.settle(code !== null);
  }

  private readonly _arrivals = new Map<
    Part,
    { whole: Promise<boolean>; settle: (isThere: boolean) => void }
  >();
}

/** Run code that gives itself to the page, also where an output has brought a loader of modules. */
function run(code: string): void {
  const scope = window as unknown as Record<string, unknown>;
  const { define, exports, module } = scope;
  Object.assign(scope, { define: undefined, exports: undefined, module: undefined });
  const script = document.createElement('script');
  script.textContent = code;
  document.head.append(script);
  Object.assign(scope, { define, exports, module });
}
