import { asText } from './outputs';

/** Of so many values as can be read. */
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
    const summary = element(
      'summary',
      '',
      element('span', 'json-arrow', '▶'),
      ' ',
      key,
      ' ',
      items
    );
    const branch = element('details', 'json', summary);
    branch.open = isOpen;
    for (const [key, item] of entries) {
      if (left <= 0) {
        branch.append('…');
        break;
      }
      branch.append(draw(item, key, expanded === true));
    }
    return branch;
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
