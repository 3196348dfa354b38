import * as React from 'react';
import { useFollowed, useNow, useView } from '../context';
import { PeerError } from '../requests';
import { Failure, RowToggle } from '../section';
import { relativeTime } from '../wording';
import { IPastQuestion, outcomeWords, pastQuestions } from './past';
import { AgentSwitch } from './switch';

/** Who asked this node's agents, when, and what came out; read from the audit log while it is unfolded. */
export function AskedBefore({ agents }: { agents: AgentSwitch }): React.ReactElement {
  const { trans } = useView();
  const [open, setOpen] = React.useState(false);
  const id = React.useId();
  const row = React.useRef<HTMLDivElement>(null);
  const onRead = React.useCallback(() => {
    // A section shows few rows at once: those that a person asks for come to its top.
    const section = row.current?.closest('.jp-Peers-section');
    if (section && row.current) {
      const { top } = row.current.getBoundingClientRect();
      section.scrollTop += top - section.getBoundingClientRect().top;
    }
  }, []);
  const name = trans.__('Who asked');
  return (
    <>
      <div className="jp-Peers-row" ref={row}>
        <RowToggle
          open={open}
          onToggle={() => setOpen(!open)}
          controls={id}
          name={name}
          summary=""
          hasDot={false}
        />
      </div>
      <div id={id} hidden={!open}>
        {open && <PastQuestions agents={agents} onRead={onRead} />}
      </div>
    </>
  );
}

function PastQuestions(props: {
  agents: AgentSwitch;
  /** Called once they are shown for the first time. */
  onRead: () => void;
}): React.ReactElement {
  const { agents, onRead } = props;
  const { trans } = useView();
  const [past, setPast] = React.useState<IPastQuestion[] | null>(null);
  const [error, setError] = React.useState<PeerError | null>(null);
  const now = useFollowed(agents.changed, () => agents.agents);
  React.useEffect(() => {
    let isCurrent = true;
    agents.audit().then(
      entries => isCurrent && (setPast(pastQuestions(entries)), setError(null)),
      reason => isCurrent && setError(PeerError.from(reason))
    );
    return () => {
      isCurrent = false;
    };
    // A question that ends is a change of the agents.
  }, [agents, now]);
  const isRead = past !== null;
  React.useEffect(() => {
    if (isRead) {
      onRead();
    }
  }, [isRead, onRead]);
  if (error) {
    return <Failure error={error} trans={trans} />;
  }
  return past?.length === 0 ? (
    <p className="jp-Peers-empty" role="status">
      {trans.__('Nobody has asked yet.')}
    </p>
  ) : (
    <ul className="jp-Peers-list jp-Peers-members" aria-label={trans.__('The last questions')}>
      {past?.map(question => (
        <Past key={`${question.at}/${question.peer}`} question={question} />
      ))}
    </ul>
  );
}

function Past({ question }: { question: IPastQuestion }): React.ReactElement {
  const { model, trans } = useView();
  const now = useNow();
  const { agent, at, chain, peer } = question;
  const name = model.nameOf(peer);
  const when = relativeTime(Math.min(at, now), now, trans);
  const words = [when, outcomeWords(question, trans), agent].filter(Boolean).join(' · ');
  const path = chain.length > 1 ? [chain.map(each => model.nameOf(each)).join(' → ')] : [];
  return (
    <li
      className="jp-Peers-row"
      title={[new Date(at * 1000).toLocaleString(), words, ...path].join('\n')}
    >
      <span className="jp-Peers-name">{name}</span>
      <span className="jp-Peers-muted">{words}</span>
    </li>
  );
}
