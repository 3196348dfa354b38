import { LabIcon } from '@jupyterlab/ui-components';

/** Two nodes and the line between them. */
export const peersIcon = new LabIcon({
  name: 'jupyter-peer:peers',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3 jp-icon-selectable" fill="#616161">
    <path d="M17 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9z" />
    <path fill-rule="evenodd" d="M7 12.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9zm0 2.2a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 1 1 0-4.6z" />
    <path d="m9.2 13.2 4-4 1.6 1.6-4 4z" />
  </g>
</svg>`
});

/** Four corners that point outwards, around what fits between them. */
export const fitIcon = new LabIcon({
  name: 'jupyter-peer:fit',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable" fill="#616161"
    d="M3 3h6v2H5v4H3zM15 3h6v6h-2V5h-4zM3 15h2v4h4v2H3zM19 15h2v6h-6v-2h4zM8 8h8v8H8z" />
</svg>`
});

/** A picture in a frame. */
export const pictureIcon = new LabIcon({
  name: 'jupyter-peer:picture',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable" fill="#616161" fill-rule="evenodd"
    d="M3 3h18v18H3zm2 2v14h14V5zm1.5 12 3.5-4.7 2.5 3.1 3.5-4.6 3 6.2z" />
</svg>`
});

/** A question mark in a speech bubble. */
export const askIcon = new LabIcon({
  name: 'jupyter-peer:ask',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable" fill="#616161" fill-rule="evenodd"
    d="M4 3h16a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1h-6l-4 4v-4H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zm1 2v10h14V5zm6 7h2v2h-2zm-2-4a3 3 0 1 1 4 2.8v.2h-2V9.5c1.2 0 2-.4 2-1.5a1 1 0 0 0-2 0z" />
</svg>`
});
