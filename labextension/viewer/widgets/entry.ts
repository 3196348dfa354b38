/** The code that draws widgets, given to a page that needs it. */

import '@lumino/widgets/style/index.css';
import '@jupyter-widgets/base/css/index.css';
import '@jupyter-widgets/controls/css/widgets.css';
import { IWidgetsHost, WIDGETS_GLOBAL } from '../widgethost';
import { PaneWidgets } from './manager';

(window as unknown as Record<string, unknown>)[WIDGETS_GLOBAL] = (host: IWidgetsHost) =>
  new PaneWidgets(host);
