import { checkIcon, closeIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useAction, usePanel } from './context';
import { Form, Steps, withStep } from './form';
import { displayName } from './model';
import { Failure } from './section';
import { IFinding, IPeer, IProgress } from './shapes';

/** What works, what does not, why, and what to do: of this node, or of the paths to a peer. */
export function DoctorView(props: {
  peer: IPeer | null;
  live: boolean;
  onClose: () => void;
}): React.ReactElement {
  const { peer, live } = props;
  const { model, trans } = usePanel();
  const { busy, error, run } = useAction();
  const [steps, setSteps] = React.useState<IProgress[]>([]);
  const [findings, setFindings] = React.useState<IFinding[] | null>(null);
  const nodeId = peer?.node_id ?? null;
  const examine = React.useCallback(() => {
    setSteps([]);
    run(async () =>
      setFindings(await model.examine(nodeId, step => setSteps(known => withStep(known, step))))
    );
  }, [model, nodeId, run]);
  React.useEffect(examine, [examine]);
  const title = peer ? trans.__('Paths to %1', displayName(peer)) : trans.__('Health of this node');
  return (
    <Form title={title} onClose={props.onClose}>
      {busy && (
        <p className="jp-Peers-looking" role="status">
          <span className="jp-Peers-spinner" aria-hidden="true" />
          {trans.__('Looking; this can take some seconds…')}
        </p>
      )}
      {busy && <Steps steps={steps} busy={busy} />}
      {!busy && findings && (
        <>
          <p role="status">{summary(findings, trans)}</p>
          <ul className="jp-Peers-findings" aria-label={title}>
            {[...findings].sort(byUrgency).map((finding, index) => (
              <FindingRow key={index} finding={finding} />
            ))}
          </ul>
        </>
      )}
      <Failure error={error} />
      <div className="jp-Peers-formButtons">
        <button
          type="button"
          className="jp-Peers-button"
          data-autofocus
          disabled={busy || !live}
          onClick={examine}
        >
          {trans.__('Look again')}
        </button>
      </div>
    </Form>
  );
}

const URGENCY = { failed: 0, warning: 1, ok: 2, skipped: 3 };

function byUrgency(a: IFinding, b: IFinding): number {
  return URGENCY[a.status] - URGENCY[b.status];
}

function FindingRow({ finding }: { finding: IFinding }): React.ReactElement {
  const { trans } = usePanel();
  const { status } = finding;
  return (
    <li className="jp-Peers-finding" data-finding={status}>
      <span className="jp-Peers-findingMark" aria-hidden="true">
        {status === 'ok' ? (
          <checkIcon.react tag="span" />
        ) : status === 'failed' ? (
          <closeIcon.react tag="span" />
        ) : (
          <span>{status === 'warning' ? '!' : '–'}</span>
        )}
      </span>
      <span className="jp-Peers-rowText">
        <span className="jp-Peers-findingHead">
          {finding.check}
          <span className="jp-Peers-hint"> · {statusWords(status, trans)}</span>
        </span>
        {finding.subject && <code className="jp-Peers-subject">{finding.subject}</code>}
        <span className="jp-Peers-findingText">{finding.text}</span>
        {finding.hint && <span className="jp-Peers-findingText">→ {finding.hint}</span>}
      </span>
    </li>
  );
}

function statusWords(status: IFinding['status'], trans: TranslationBundle): string {
  switch (status) {
    case 'ok':
      return trans.__('ok');
    case 'warning':
      return trans.__('warning');
    case 'failed':
      return trans.__('failed');
    default:
      return trans.__('not looked at');
  }
}

function summary(findings: readonly IFinding[], trans: TranslationBundle): string {
  const count = (status: IFinding['status']) =>
    findings.filter(each => each.status === status).length;
  const failed = count('failed');
  const warnings = count('warning');
  if (failed + warnings === 0) {
    return trans.__('All is well.');
  }
  const parts = [
    failed ? trans._n('%1 failed', '%1 failed', failed) : '',
    warnings ? trans._n('%1 warning', '%1 warnings', warnings) : '',
    trans.__('%1 ok', count('ok'))
  ];
  return parts.filter(Boolean).join(', ');
}
