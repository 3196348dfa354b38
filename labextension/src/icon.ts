import { LabIcon } from '@jupyterlab/ui-components';

/** Two nodes and the line between them. */
export const peersIcon = new LabIcon({
  name: 'jupyter-peer:peers',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="24" viewBox="0 0 24 24">
  <g class="jp-icon3 jp-icon-selectable" fill="#616161">
    <path d="M7 8.5a3.75 3.75 0 1 0 0 7.5 3.75 3.75 0 0 0 3.6-2.75h2.8a3.75 3.75 0 1 0 0-2h-2.8A3.75 3.75 0 0 0 7 8.5zm0 2a1.75 1.75 0 1 1 0 3.5 1.75 1.75 0 0 1 0-3.5z" />
    <path d="M3.2 7.1A8.9 8.9 0 0 1 12 2.9a8.9 8.9 0 0 1 8.8 4.2l-1.7 1A6.9 6.9 0 0 0 12 4.9a6.9 6.9 0 0 0-7.1 3.2z" opacity=".55" />
    <path d="M3.2 17.4A8.9 8.9 0 0 0 12 21.6a8.9 8.9 0 0 0 8.8-4.2l-1.7-1A6.9 6.9 0 0 1 12 19.6a6.9 6.9 0 0 1-7.1-3.2z" opacity=".55" />
  </g>
</svg>`
});
