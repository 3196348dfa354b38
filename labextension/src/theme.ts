const MAX_NAMES = 1000;
const MAX_VALUE = 200;

/**
 * The theme's `--jp-*` variables as they are now, for a frame that inherits none.
 *
 * A value that names a file is left out: the frame may load nothing.
 */
export function themeVariables(): Record<string, string> {
  const style = getComputedStyle(document.body);
  const variables: Record<string, string> = {};
  for (const name of variableNames()) {
    const value = style.getPropertyValue(name).trim();
    if (value && value.length <= MAX_VALUE && !value.includes('url(')) {
      variables[name] = value;
    }
  }
  return variables;
}

export function themeIsLight(): boolean {
  return document.body.dataset.jpThemeLight !== 'false';
}

function variableNames(): Set<string> {
  const names = new Set<string>();
  for (const sheet of document.styleSheets) {
    let rules: CSSRuleList;
    try {
      rules = sheet.cssRules;
    } catch {
      // A style sheet of another site cannot be read.
      continue;
    }
    for (const rule of rules) {
      if (rule instanceof CSSStyleRule && /(^|,)\s*(:root|body)\b/.test(rule.selectorText)) {
        for (const name of rule.style) {
          if (name.startsWith('--jp-') && names.size < MAX_NAMES) {
            names.add(name);
          }
        }
      }
    }
  }
  return names;
}
