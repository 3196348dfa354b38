declare module 'anywidget' {
  import * as base from '@jupyter-widgets/base';

  /** The factory that its AMD module passes to `define`, as rewritten by `build.mjs`. */
  export default function anywidget(widgets: typeof base): Record<string, unknown>;
}
