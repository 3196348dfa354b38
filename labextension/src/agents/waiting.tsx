import { Button, closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useView } from '../context';
import { IconButton } from '../section';
import { IApproval } from '../shapes';
import { Answer } from './model';

/** The calls of tools that wait for the person, each with what shows all of it and what refuses it. */
export function WaitingCalls(props: {
  approvals: readonly IApproval[];
  look: (id: number) => void;
  decide: (id: number, answer: Answer) => Promise<void>;
}): React.ReactElement {
  const { approvals, look, decide } = props;
  const { trans } = useView();
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('Waiting for your yes')}>
      {approvals.map(({ id, agent, tool, peer_name }) => {
        const words = trans.__('%1 waits to call %2', agent, tool);
        return (
          <li key={id} className="jp-Peers-row">
            <span className="jp-Peers-name" title={peer_name}>
              {peer_name}
            </span>
            <span className="jp-Peers-muted" title={words}>
              {trans.__('%1 waits', tool)}
            </span>
            <Button
              minimal
              small
              type="button"
              aria-label={trans.__('Look at the call of %1 for %2', tool, peer_name)}
              onClick={() => look(id)}
            >
              {trans.__('Look…')}
            </Button>
            <IconButton
              icon={closeIcon}
              label={trans.__('Refuse the call of %1 for %2', tool, peer_name)}
              onClick={() => void decide(id, 'no')}
            />
          </li>
        );
      })}
    </ul>
  );
}
