import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useAction, usePeersState, useView } from '../context';
import { displayName } from '../model';
import { Failure, RowToggle } from '../section';
import { IAgent } from '../shapes';

/** Let only these peers ask an agent, by their node ids; null lets every paired peer ask. */
export type Allow = (agent: string, only: string[] | null) => Promise<unknown>;

/** The agents of this node, and who may ask each of them. */
export function AgentList(props: { agents: readonly IAgent[]; allow: Allow }): React.ReactElement {
  const { trans } = useView();
  return (
    <ul className="jp-Peers-list" aria-label={trans.__('My agents')}>
      {props.agents.map(agent => (
        <AgentRow key={agent.name} agent={agent} allow={props.allow} />
      ))}
    </ul>
  );
}

function AgentRow({ agent, allow }: { agent: IAgent; allow: Allow }): React.ReactElement {
  const { trans } = useView();
  const [open, setOpen] = React.useState(false);
  const id = React.useId();
  const words = askerWords(agent, trans);
  return (
    <li>
      <div className="jp-Peers-row">
        <RowToggle
          open={open}
          onToggle={() => setOpen(!open)}
          controls={id}
          name={agent.name}
          summary={words}
          hasDot={false}
        >
          {words}
        </RowToggle>
      </div>
      <div id={id} hidden={!open}>
        {open && <Askers agent={agent} allow={allow} />}
      </div>
    </li>
  );
}

function Askers({ agent, allow }: { agent: IAgent; allow: Allow }): React.ReactElement {
  const { trans } = useView();
  const { busy, error, run } = useAction();
  const peers = usePeersState().peers.filter(peer => peer.trusted && !peer.blocked);
  const all = peers.map(peer => peer.node_id);
  const chosen = agent.askers?.map(person => person.node_id) ?? all;
  const choose = (only: string[] | null) => run(() => allow(agent.name, only));
  const toggled = (id: string) =>
    chosen.includes(id) ? chosen.filter(each => each !== id) : [...chosen, id];
  return (
    <fieldset className="jp-Peers-choices" aria-disabled={busy}>
      <legend className="jp-sr-only">{trans.__('Who may ask %1', agent.name)}</legend>
      <label>
        <input
          type="checkbox"
          checked={!agent.askers}
          onChange={() => choose(agent.askers ? null : all)}
        />
        {trans.__('Every peer, also those to come')}
      </label>
      {agent.askers &&
        peers.map(peer => (
          <label key={peer.node_id}>
            <input
              type="checkbox"
              checked={chosen.includes(peer.node_id)}
              onChange={() => choose(toggled(peer.node_id))}
            />
            {displayName(peer)}
          </label>
        ))}
      <Failure error={error} trans={trans} />
    </fieldset>
  );
}

function askerWords({ askers }: IAgent, trans: TranslationBundle): string {
  if (!askers) {
    return trans.__('every peer may ask');
  }
  const names = askers.map(person => person.label).join(', ');
  return names ? trans.__('%1 may ask', names) : trans.__('nobody may ask');
}
