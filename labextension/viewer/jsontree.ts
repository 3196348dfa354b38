import { asText } from './outputs';

/** Of so many values at a time as a browser draws at once. */
const MAX_VALUES = 2000;

/** JSON as a tree that folds, as JupyterLab's extension draws it; its metadata may unfold all and name the root. */
export function jsonTree(value: unknown, { expanded, root }: Record<string, unknown>): HTMLElement {
  let left = MAX_VALUES;
  const draw = (value: unknown, name: string, isOpen: boolean): HTMLElement => {
    left -= 1;
    const key = element('span', 'json-key', name);
    if (value === null || typeof value !== 'object') {
      const kind = `json-value json-${typeof value}`;
      return element('div', 'json', key, ' ', element('span', kind, written(value)));
    }
    const entries = Object.entries(value);
    const items = element('span', 'json-items', itemsOf(value, entries.length));
    if (entries.length === 0) {
      return element('div', 'json', key, ' ', items);
    }
    const arrow = element('span', 'json-arrow', '▶');
    const branch = element('details', 'json', element('summary', '', arrow, ' ', key, ' ', items));
    branch.open = isOpen && left > 0;
    if (branch.open) {
      fill(branch, entries);
    } else {
      // What is folded is drawn when somebody unfolds it.
      const unfold = () => {
        left = MAX_VALUES;
        fill(branch, entries);
      };
      branch.addEventListener('toggle', unfold, { once: true });
    }
    return branch;
  };
  const fill = (branch: HTMLElement, entries: [string, unknown][]): void => {
    const shown = Math.min(left, entries.length);
    entries
      .slice(0, shown)
      .forEach(([key, item]) => branch.append(draw(item, key, expanded === true)));
    if (shown < entries.length) {
      const more = element('button', 'json-items', `… ${entries.length - shown} items`);
      more.addEventListener('click', () => {
        left = MAX_VALUES;
        more.remove();
        fill(branch, entries.slice(shown));
      });
      branch.append(more);
    }
  };
  return draw(value, asText(root) || 'root', true);
}

/** A value as JupyterLab writes it: a text has quotes around it, and none of its characters escaped. */
function written(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
}

/** Of an array its length, of an object that it is empty. */
function itemsOf(value: object, count: number): string {
  const isArray = Array.isArray(value);
  return isArray ? `[]  ${count} item${count === 1 ? '' : 's'}` : count === 0 ? '{}' : '';
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const node = document.createElement(name);
  node.className = className;
  node.append(...children);
  return node;
}
