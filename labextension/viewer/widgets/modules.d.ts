declare module 'anywidget' {
  import * as base from '@jupyter-widgets/base';

  /** As `build.mjs` rewrites it: the factory that its AMD module hands to `define`. */
  export default function anywidget(widgets: typeof base): Record<string, unknown>;
}
