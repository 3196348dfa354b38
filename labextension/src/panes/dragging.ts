import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

/** The factory that a dock panel calls for a dropped widget. */
const FACTORY = 'application/vnd.lumino.widget-factory';
/** A press that moves less is a click. */
const THRESHOLD_PX = 5;

/**
 * A handler of `mousedown` that lets a person drag a row to a place in the main area.
 *
 * @param open - Opens what the row stands for, once it is dropped.
 */
export function draggedOut(label: string, open: () => Widget): React.MouseEventHandler {
  return event => {
    const { button, clientX, clientY, target } = event;
    if (button !== 0 || (target as Element).closest('button')) {
      return;
    }
    // No text is selected on the way.
    event.preventDefault();
    const onMove = (move: MouseEvent) => {
      if (Math.hypot(move.clientX - clientX, move.clientY - clientY) >= THRESHOLD_PX) {
        onUp();
        startDrag(label, open, move);
      }
    };
    const onUp = () => {
      document.removeEventListener('mousemove', onMove, true);
      document.removeEventListener('mouseup', onUp, true);
    };
    document.addEventListener('mousemove', onMove, true);
    document.addEventListener('mouseup', onUp, true);
  };
}

function startDrag(label: string, open: () => Widget, { clientX, clientY }: MouseEvent): void {
  const dragImage = document.createElement('div');
  dragImage.className = 'jp-Peers-dragImage';
  dragImage.textContent = label;
  const mimeData = new MimeData();
  mimeData.setData(FACTORY, open);
  const drag = new Drag({
    mimeData,
    dragImage,
    proposedAction: 'move',
    supportedActions: 'move'
  });
  void drag.start(clientX, clientY).then(() => drag.dispose());
}
