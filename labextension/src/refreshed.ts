import { MainAreaWidget } from '@jupyterlab/apputils';
import { LabIcon, refreshIcon, Toolbar, ToolbarButton } from '@jupyterlab/ui-components';
import { ISignal } from '@lumino/signaling';
import { View } from './section';

export interface IRefreshed {
  content: View;
  id: string;
  icon: LabIcon;
  label: string;
  /** What the button of the toolbar is called, and does. */
  action: string;
  refresh: () => Promise<void>;
  canRefresh: () => boolean;
  /** Emitted when that may have changed. */
  signals: ISignal<unknown, unknown>[];
}

/** Make a document that is read when it opens, and again by a button of its toolbar. */
export function createRefreshed(of: IRefreshed): MainAreaWidget {
  const { content, signals } = of;
  content.addClass('jp-Peers-document');
  const tab = new MainAreaWidget({ content, toolbar: new Toolbar() });
  // It scrolls, so the keyboard has to reach it; the tab has taken it out of the order.
  content.node.tabIndex = 0;
  tab.addClass('jp-Peers-refreshed');
  tab.id = of.id;
  tab.title.icon = of.icon;
  tab.title.label = of.label;
  tab.title.closable = true;
  const again = new ToolbarButton({
    icon: refreshIcon,
    label: of.action,
    onClick: () => void of.refresh()
  });
  const update = () => {
    again.enabled = of.canRefresh();
  };
  signals.forEach(signal => signal.connect(update));
  update();
  tab.toolbar.addItem('again', again);
  tab.disposed.connect(() => signals.forEach(signal => signal.disconnect(update)));
  return tab;
}
