import * as React from 'react';
import { useAction, useFollowed, usePeersState, useView } from '../context';
import { Failure } from '../section';
import { IAgents } from '../shapes';
import { NotebookGuide } from './guide';

/** Whether the guide answers from the current notebook, or from the one that it was switched on in. */
export function GuideChoice(props: {
  guide: NotebookGuide;
  agents: IAgents;
}): React.ReactElement | null {
  const { guide, agents } = props;
  const { trans } = useView();
  const { live } = usePeersState();
  const { busy, error, run } = useAction();
  const current = useFollowed(guide.changed, () => guide.notebook);
  const found = NotebookGuide.find(agents);
  const kernelId = found?.kernel_id ?? current?.kernelId;
  if (!kernelId) {
    return null;
  }
  const title =
    kernelId === current?.kernelId
      ? current.title
      : (guide.titleOf(kernelId) ?? trans.__('a notebook that is closed'));
  const state = { disabled: !live, 'aria-disabled': busy };
  const isHere = found !== undefined && kernelId === current?.kernelId;
  const tellsOfCells = isHere && NotebookGuide.tellsOfCells(found);
  return (
    <>
      <label
        className="jp-Peers-choice"
        title={trans.__(
          'Peers learn names, types and sizes of the variables of %1, and the content of those they name.',
          title
        )}
      >
        <input
          type="checkbox"
          checked={found !== undefined}
          {...state}
          onChange={() => run(() => (found ? guide.turnOff() : guide.turnOn(false)))}
        />
        <span className="jp-Peers-guideText">{trans.__('Guide to %1', title)}</span>
      </label>
      {isHere && (
        <label
          className="jp-Peers-choice jp-Peers-guideCells"
          title={trans.__('With your yes to each call it also runs one of them again, unchanged.')}
        >
          <input
            type="checkbox"
            checked={tellsOfCells}
            {...state}
            onChange={() => run(() => guide.turnOn(!tellsOfCells))}
          />
          <span className="jp-Peers-guideText">{trans.__('also to the cells that ran')}</span>
        </label>
      )}
      {busy && (
        <p className="jp-Peers-empty" role="status">
          {trans.__('The kernel begins as soon as no cell runs…')}
        </p>
      )}
      <Failure error={error} trans={trans} />
    </>
  );
}
