import { MenuSvg } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';
import { ReadonlyJSONObject } from '@lumino/coreutils';

/** The commands of a menu, in groups, without the commands of disabled features. */
export interface IMenu {
  commands: CommandRegistry;
  groups: readonly (readonly string[])[];
  args: ReadonlyJSONObject;
}

/** Open a menu at a place of the page. */
export function openMenu({ commands, groups, args }: IMenu, x: number, y: number): void {
  const menu = new MenuSvg({ commands });
  for (const group of groups) {
    const there = group.filter(command => commands.hasCommand(command));
    if (there.length > 0 && menu.items.length > 0) {
      menu.addItem({ type: 'separator' });
    }
    there.forEach(command => menu.addItem({ command, args }));
  }
  // Its item is executed after it has closed.
  menu.aboutToClose.connect(() => window.setTimeout(() => menu.dispose(), 0));
  menu.open(x, y);
}

type Click = Pick<
  MouseEvent,
  'shiftKey' | 'clientX' | 'clientY' | 'preventDefault' | 'stopPropagation'
>;

/** A handler of `contextmenu`. With Shift the browser's own menu opens, as everywhere in JupyterLab. */
export function contextMenu(menu: IMenu): (event: Click) => void {
  return event => {
    if (!event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      openMenu(menu, event.clientX, event.clientY);
    }
  };
}
