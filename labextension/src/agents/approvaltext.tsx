import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { IApproval, IArgument, IAsker } from '../shapes';

/** Pixels at the end of the box that may be out of sight. */
const SLACK = 4;

/**
 * One call of a tool as its owner has to read it.
 *
 * All of it is text: React shows it as it is, and the server has made every character visible.
 *
 * @param onRead - Called once the end of the box is in sight.
 */
export function ApprovalText(props: {
  approval: IApproval;
  trans: TranslationBundle;
  onRead: () => void;
}): React.ReactElement {
  const { approval, trans, onRead } = props;
  const box = React.useRef<HTMLDivElement>(null);
  const look = (): void => {
    const { scrollTop, clientHeight, scrollHeight } = box.current!;
    if (scrollTop + clientHeight >= scrollHeight - SLACK) {
      onRead();
    }
  };
  React.useEffect(() => {
    // Its height is known once it is in the page.
    const frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  });
  return (
    <div className="jp-Peers-approval">
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keys have to scroll it */}
      <div className="jp-Peers-approvalBox" ref={box} onScroll={look} tabIndex={0}>
        <dl>
          <dt>{trans.__('Asked by')}</dt>
          <dd>
            <Name person={{ label: approval.peer_name, node_id: approval.peer }} />
          </dd>
          {approval.chain.length > 1 && (
            <>
              <dt>{trans.__('The question came through')}</dt>
              {approval.chain.map(person => (
                <dd key={person.node_id}>
                  <Name person={person} />
                </dd>
              ))}
            </>
          )}
          <dt>{trans.__('Question to your agent %1', approval.agent)}</dt>
          <dd>
            <Exact text={approval.question} />
          </dd>
          <dt>{trans.__('The agent wants to call')}</dt>
          <dd>
            <code>{approval.tool}</code>
          </dd>
          {approval.arguments.map(each => (
            <Argument key={each.name} argument={each} trans={trans} />
          ))}
          {approval.arguments.length === 0 && <dd>{trans.__('without arguments')}</dd>}
        </dl>
      </div>
      <p className="jp-Peers-approvalNote">
        {trans.__(
          'Without an answer it is a no at %1.',
          new Date(approval.expires * 1000).toLocaleTimeString()
        )}
      </p>
    </div>
  );
}

/** The owner's name for a node, apart from the text around it, and its id. */
function Name({ person }: { person: Pick<IAsker, 'label' | 'node_id'> }): React.ReactElement {
  const { label, node_id } = person;
  return (
    <>
      {label !== node_id && <bdi className="jp-Peers-approvalName">{label}</bdi>}{' '}
      <code>{node_id}</code>
    </>
  );
}

function Argument(props: { argument: IArgument; trans: TranslationBundle }): React.ReactElement {
  const { argument, trans } = props;
  return (
    <>
      <dt>
        <code>{argument.name}</code>
        {!argument.is_exact && (
          <span> {trans.__('(as the object describes itself; parts may be missing)')}</span>
        )}
      </dt>
      <dd>
        <Exact text={argument.value} />
      </dd>
    </>
  );
}

/** Text in the order of its characters, whatever their direction. */
function Exact({ text }: { text: string }): React.ReactElement {
  return <pre className="jp-Peers-exact">{text}</pre>;
}
