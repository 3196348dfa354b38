import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useFollowed, usePeersState, useView } from '../context';
import { Compose, Line, LineText, Log } from '../conversation';
import { displayName } from '../model';
import { PeerError } from '../requests';
import { Failure } from '../section';
import { IAnswerDisplay, IPeer, IPeerAgent } from '../shapes';
import { AnswerDisplays } from './displays';
import { AnswerFrame } from './frame';
import { IExchange, Questions, USUAL_WAIT_S, WAITS_S } from './model';

/** The longest question that the server accepts, in characters. */
export const MAX_QUESTION = 1024 * 1024;

/** Answers whose displays are drawn; those before show the plain texts, since each frame is a page. */
const DRAWN = 10;

/** Questions to the agents of one peer. What an agent displays is drawn apart from this page. */
export function AskView(props: {
  questions: Questions;
  peer: IPeer;
  makeFrame: () => AnswerFrame;
}): React.ReactElement {
  const { questions, peer, makeFrame } = props;
  const { trans } = useView();
  const exchanges = useFollowed(questions.changed, () => questions.exchanges);
  const isConnected = peer.status === 'connected';
  const { agents, error } = usePeerAgents(questions, isConnected);
  const [chosen, setChosen] = React.useState<string | null>(null);
  const [waitS, setWaitS] = React.useState(USUAL_WAIT_S);
  const name = displayName(peer);
  const reasonAgainst = (text: string): string => {
    if (!isConnected) {
      return trans.__('%1 is not connected and cannot be asked.', name);
    }
    return text.length > MAX_QUESTION
      ? trans.__('A question has at most 1,048,576 characters.')
      : '';
  };
  const last = exchanges[exchanges.length - 1];
  return (
    <div className="jp-Peers-chat">
      <div className="jp-Peers-askChoices">
        {agents.length > 1 && (
          <label className="jp-Peers-choice">
            <span>{trans.__('Agent')}</span>
            <select
              className="jp-Peers-select"
              value={chosen ?? agents.find(agent => agent.default)?.name}
              onChange={({ target }) => setChosen(target.value)}
            >
              {agents.map(({ name, description }) => (
                <option key={name} value={name} title={description}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label
          className="jp-Peers-choice"
          title={trans.__('How long to wait for an answer. The peer may allow its agent less.')}
        >
          <span>{trans.__('Wait')}</span>
          <select
            className="jp-Peers-select"
            value={waitS}
            onChange={({ target }) => setWaitS(Number(target.value))}
          >
            {WAITS_S.map(each => (
              <option key={each} value={each}>
                {waitWords(each, trans)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Log name={trans.__('Answers of %1', name)} end={last}>
        {exchanges.length === 0 && (
          <p className="jp-Peers-muted">
            {trans.__('Nothing asked yet. Answers are kept until this page is closed.')}
          </p>
        )}
        {exchanges.map(each => (
          <Exchange
            key={each.number}
            exchange={each}
            name={name}
            makeFrame={last.number - each.number < DRAWN ? makeFrame : null}
          />
        ))}
      </Log>
      <Compose
        label={trans.__('Ask %1', name)}
        action={trans.__('Ask')}
        reasonAgainst={reasonAgainst}
        send={text => questions.ask(text, chosen, waitS)}
        stop={{ label: trans.__('Stop'), run: () => questions.stop() }}
      />
      <Failure error={error} trans={trans} />
    </div>
  );
}

function Exchange(props: {
  exchange: IExchange;
  name: string;
  makeFrame: (() => AnswerFrame) | null;
}): React.ReactElement {
  const { exchange, name, makeFrame } = props;
  const { trans } = useView();
  const who = exchange.agent ? trans.__('%1 of %2', exchange.agent, name) : name;
  const head = trans.__('%1 · %2', who, stateWords(exchange, name, trans));
  return (
    <>
      <Line mine={true} head={trans.__('You')} text={exchange.question} />
      <Line mine={false} head={head}>
        {exchange.answer.map((part, index) =>
          typeof part === 'string' || !makeFrame ? (
            <LineText key={index} text={typeof part === 'string' ? part : plainText(part)} />
          ) : (
            <AnswerDisplays key={index} displays={part} makeFrame={makeFrame} />
          )
        )}
      </Line>
    </>
  );
}

function waitWords(seconds: number, trans: TranslationBundle): string {
  return seconds < 3600 ? trans.__('%1 min', seconds / 60) : trans.__('%1 h', seconds / 3600);
}

function plainText(displays: readonly IAnswerDisplay[]): string {
  return displays.map(({ data }) => String(data['text/plain'] ?? '')).join('\n');
}

function stateWords({ state }: IExchange, name: string, trans: TranslationBundle): string {
  switch (state) {
    case 'answering':
      return trans.__('answering…');
    case 'waiting':
      return trans.__('waits for a yes of %1', name);
    case 'answered':
      return trans.__('answered');
    case 'stopped':
      return trans.__('stopped');
    case 'failed':
      return trans.__('failed');
  }
}

/** The agents that can be asked, read again when the peer has connected. */
function usePeerAgents(
  questions: Questions,
  isConnected: boolean
): { agents: readonly IPeerAgent[]; error: PeerError | null } {
  const { live } = usePeersState();
  const [agents, setAgents] = React.useState<readonly IPeerAgent[]>([]);
  const [error, setError] = React.useState<PeerError | null>(null);
  React.useEffect(() => {
    let current = true;
    if (live && isConnected) {
      questions.agents().then(
        found => {
          if (current) {
            setAgents(found);
            setError(null);
          }
        },
        reason => current && setError(PeerError.from(reason))
      );
    }
    return () => {
      current = false;
    };
  }, [questions, live, isConnected]);
  return { agents, error };
}
