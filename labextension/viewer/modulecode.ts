interface IWaiting {
  whole: Promise<string>;
  settle: (code: string) => void;
  fail: (why: Error) => void;
}

/** The code of widget modules, which the page around gets from the owner of the pane. */
export class ModuleCode {
  constructor(private readonly _ask: (name: string) => void) {}

  /** Return the code of a module; rejects with why it cannot be had. */
  get(name: string): Promise<string> {
    let waiting = this._waiting.get(name);
    if (!waiting) {
      let settle: IWaiting['settle'] = () => undefined;
      let fail: IWaiting['fail'] = () => undefined;
      const whole = new Promise<string>((resolve, reject) => {
        settle = resolve;
        fail = reject;
      });
      waiting = { whole, settle, fail };
      this._waiting.set(name, waiting);
      this._ask(name);
    }
    return waiting.whole;
  }

  /** The code has come, or why it cannot be had. */
  arrived(name: string, code: string | null, why: string): void {
    const waiting = this._waiting.get(name);
    if (code === null) {
      waiting?.fail(new Error(why));
    } else {
      waiting?.settle(code);
    }
  }

  private readonly _waiting = new Map<string, IWaiting>();
}
