import { LabIcon } from '@jupyterlab/ui-components';

/** Two nodes and the line between them. */
export const peersIcon = new LabIcon({
  name: 'jupyter-peer:peers',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="24" viewBox="0 0 24 24">
  <g class="jp-icon3 jp-icon-selectable" fill="#616161">
    <path d="M17 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9z" />
    <path fill-rule="evenodd" d="M7 12.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9zm0 2.2a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 1 1 0-4.6z" />
    <path d="m9.2 13.2 4-4 1.6 1.6-4 4z" />
  </g>
</svg>`
});
