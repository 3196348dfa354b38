import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, useFollowed, useNow, usePeersState, useView } from '../context';
import { Failure, IconButton } from '../section';
import { AgentMode, ITurn } from '../shapes';
import { relativeTime } from '../wording';
import { AskedBefore } from './pastview';
import { AgentList } from './askers';
import { NotebookGuide } from './guide';
import { GuideChoice } from './guideview';
import { ApprovalsModel } from './model';
import { AgentSwitch } from './switch';
import { WaitingCalls } from './waiting';

/** Whether peers may ask this node's agents, what agents may do for them, and who asks and asked. */
export function AgentsView(props: {
  agents: AgentSwitch;
  approvals: ApprovalsModel;
  /** Null in a page without notebooks. */
  guide: NotebookGuide | null;
  look: (id: number) => void;
}): React.ReactElement | null {
  const { agents, approvals, guide, look } = props;
  const { trans } = useView();
  const { live } = usePeersState();
  const { busy, error, run } = useAction();
  const now = useFollowed(agents.changed, () => agents.agents);
  const waiting = useFollowed(approvals.changed, () => approvals.approvals);
  if (!now) {
    return null;
  }
  // What is `disabled` would lose the keyboard while the choice is under way.
  const state = { disabled: !live, 'aria-disabled': busy };
  return (
    <>
      {waiting.length > 0 && (
        <WaitingCalls
          approvals={waiting}
          look={look}
          decide={(id, answer) => approvals.decide(id, answer)}
        />
      )}
      <label className="jp-Peers-choice">
        <input
          type="checkbox"
          checked={now.on}
          {...state}
          onChange={() => run(() => (now.on ? agents.turnOff() : agents.turnOn()))}
        />
        <span>{trans.__('Peers may ask my agent')}</span>
      </label>
      {guide && <GuideChoice guide={guide} agents={now} />}
      {now.on && (
        <label className="jp-Peers-choice">
          <span>{trans.__('It may use')}</span>
          <select
            className="jp-Peers-select"
            value={now.mode}
            {...state}
            onChange={({ target }) => run(() => agents.turnOn(target.value as AgentMode))}
          >
            <option value="read-only">{trans.__('tools that only read')}</option>
            <option value="ask">{trans.__('all tools, if I say yes')}</option>
          </select>
        </label>
      )}
      {now.on && now.agents.length > 1 && (
        <label className="jp-Peers-choice">
          <span>{trans.__('Answers questions')}</span>
          <select
            className="jp-Peers-select"
            title={trans.__('Answers questions that name no agent')}
            value={now.default ?? ''}
            {...state}
            onChange={({ target }) => run(() => agents.choose(target.value))}
          >
            {now.agents.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {now.on && now.default === null && (
        <p className="jp-Peers-empty">
          {trans.__('No agent answers yet. A notebook registers one.')}
        </p>
      )}
      {now.on && now.agents.length > 0 && (
        <AgentList agents={now.agents} allow={(agent, only) => agents.allow(agent, only)} />
      )}
      {now.agents.map(
        ({ name, failure }) =>
          failure && (
            <p key={name} className="jp-Peers-failure">
              {trans.__('%1 failed when %2 asked: %3', name, failure.peer.label, failure.why)}
            </p>
          )
      )}
      {now.running.length > 0 && (
        <ul className="jp-Peers-list" aria-label={trans.__('Questions being answered')}>
          {now.running.map(turn => (
            <Running
              key={turn.turn}
              turn={turn}
              stop={() => run(() => agents.stopTurn(turn.turn))}
            />
          ))}
        </ul>
      )}
      <AskedBefore agents={agents} />
      <Failure error={error} trans={trans} />
    </>
  );
}

function Running({ turn, stop }: { turn: ITurn; stop: () => void }): React.ReactElement {
  const { trans } = useView();
  const now = useNow(5);
  const name = turn.peer.label;
  return (
    <li className="jp-Peers-row">
      <span className="jp-Peers-name" title={name}>
        {name}
      </span>
      <span className="jp-Peers-muted">
        {trans.__('asks %1 · %2', turn.agent, relativeTime(Math.min(turn.since, now), now, trans))}
      </span>
      <IconButton icon={closeIcon} label={trans.__('Stop answering %1', name)} onClick={stop} />
    </li>
  );
}
