/** The colours and sizes that the frame draws with: JupyterLab's, as light or dark as the person's system is set. */

import { type ITheme } from '../src/framehost';

/** Variables of JupyterLab's light theme, and those that differ in the dark one: written into the page when it is built. */
declare const LAB_THEMES: Record<'light' | 'dark', Record<string, string>>;

export function theme(): ITheme {
  const isDark = window.matchMedia('(prefers-color-scheme: dark)').matches;
  // What only the dark theme has is taken back.
  const unset = Object.fromEntries(Object.keys(LAB_THEMES.dark).map(name => [name, '']));
  return {
    light: !isDark,
    variables: { ...unset, ...LAB_THEMES.light, ...(isDark && LAB_THEMES.dark) }
  };
}
