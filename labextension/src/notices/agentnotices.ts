import { Notification } from '@jupyterlab/apputils';
import { AgentSwitch } from '../agents/switch';
import { IView } from '../context';
import { IAgent, IAgentFailure } from '../shapes';
import { CommandIDs } from '../tokens';
import { onNew } from './arrivals';

const SHOWN_MS = 15_000;

/** Tell of questions of peers in whose answer an agent of this node failed; its asker hears no reason. */
export function notifyOfFailures(
  agents: AgentSwitch,
  { commands, trans }: Pick<IView, 'commands' | 'trans'>,
  isWanted: () => boolean,
  markNews: () => void
): void {
  const show = {
    label: trans.__('Show'),
    callback: () => void commands.execute(CommandIDs.showAgents)
  };
  onNew(
    agents.changed,
    () => agents.agents && failures(agents.agents.agents),
    ([name, { peer }]) => {
      markNews();
      if (isWanted()) {
        const actions = commands.hasCommand(CommandIDs.showAgents) ? [show] : [];
        const words = trans.__('Your agent %1 failed when %2 asked.', name, peer.label);
        Notification.warning(words, { autoClose: SHOWN_MS, actions });
      }
    }
  );
}

function failures(agents: readonly IAgent[]): [string, [string, IAgentFailure]][] {
  return agents.flatMap(({ name, failure }) =>
    failure ? [[`${name}/${failure.at}`, [name, failure]]] : []
  );
}
