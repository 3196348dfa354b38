/** The colours that the frame draws with: as the person's system is set. */

import { type ITheme } from '../src/framehost';

const DARK: Record<string, string> = {
  '--jp-layout-color0': '#16181d',
  '--jp-layout-color1': '#1d2026',
  '--jp-layout-color2': '#2a2e36',
  '--jp-layout-color3': '#3a3f49',
  '--jp-content-font-color0': '#fff',
  '--jp-content-font-color1': '#e6e8ec',
  '--jp-content-font-color2': '#b4bac4',
  '--jp-content-font-color3': '#8a919d',
  '--jp-ui-font-color0': '#fff',
  '--jp-ui-font-color1': '#e6e8ec',
  '--jp-ui-font-color2': '#b4bac4',
  '--jp-ui-font-color3': '#8a919d',
  '--jp-ui-inverse-font-color1': '#16181d',
  '--jp-content-link-color': '#7ab7ff',
  '--jp-border-color0': '#4a505c',
  '--jp-border-color1': '#4a505c',
  '--jp-border-color2': '#3a3f49',
  '--jp-border-color3': '#2a2e36',
  '--jp-rendermime-error-background': '#4a1f24',
  '--jp-rendermime-table-row-background': '#1d2026',
  '--jp-rendermime-table-row-hover-background': '#26344a',
  '--jp-ansi-black': '#8a919d',
  '--jp-ansi-red': '#ff8d8a',
  '--jp-ansi-green': '#5fd38d',
  '--jp-ansi-yellow': '#e5c15c',
  '--jp-ansi-blue': '#7ab7ff',
  '--jp-ansi-magenta': '#e29bd8',
  '--jp-ansi-cyan': '#66d0d0'
};

export function theme(): ITheme {
  const isDark = window.matchMedia('(prefers-color-scheme: dark)').matches;
  return isDark ? { light: false, variables: DARK } : { light: true, variables: unset() };
}

/** The frame's own colours are those of a light page; what dark has set is taken back. */
function unset(): Record<string, string> {
  return Object.fromEntries(Object.keys(DARK).map(name => [name, '']));
}
