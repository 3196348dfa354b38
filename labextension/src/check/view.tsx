import { checkIcon, closeIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useFollowed, useView } from '../context';
import { Steps } from '../panel/dialog';
import { Failure } from '../section';
import { IFinding } from '../shapes';
import { findingWords } from '../wording';
import { ConnectionCheck } from './model';

/** The connection check of this node or of the paths to a peer: results, reasons and advice. */
export function CheckView({ check }: { check: ConnectionCheck }): React.ReactElement {
  const { trans } = useView();
  const { busy, error, findings, steps } = useFollowed(check.changed, () => check.state);
  return (
    <div className="jp-Peers-check">
      {busy && <p role="status">{trans.__('Checking; this can take some seconds…')}</p>}
      {busy && <Steps steps={steps} busy={busy} trans={trans} />}
      {!busy && findings && (
        <>
          <p role="status">{summary(findings, trans)}</p>
          <ul className="jp-Peers-list" aria-label={trans.__('Connection check')}>
            {[...findings].sort(byUrgency).map((finding, index) => (
              <FindingRow key={index} finding={finding} />
            ))}
          </ul>
        </>
      )}
      <Failure error={error} trans={trans} />
    </div>
  );
}

const URGENCY = { failed: 0, warning: 1, ok: 2, skipped: 3 };

function byUrgency(a: IFinding, b: IFinding): number {
  return URGENCY[a.status] - URGENCY[b.status];
}

function FindingRow({ finding }: { finding: IFinding }): React.ReactElement {
  const { trans } = useView();
  const { status } = finding;
  const { title, text, hint } = findingWords(finding, trans);
  return (
    <li className="jp-Peers-finding">
      <span className="jp-Peers-mark" data-mark={status} aria-hidden="true">
        {status === 'ok' ? (
          <checkIcon.react tag="span" />
        ) : status === 'failed' ? (
          <closeIcon.react tag="span" />
        ) : (
          <span>{status === 'warning' ? '!' : '–'}</span>
        )}
      </span>
      <div>
        <strong>{title}</strong>
        <span className="jp-Peers-muted"> · {statusWords(status, trans)}</span>
        {finding.subject && <code>{finding.subject}</code>}
        <p>{text}</p>
        {hint && <p>→ {hint}</p>}
      </div>
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
      return trans.__('not checked');
  }
}

function summary(findings: readonly IFinding[], trans: TranslationBundle): string {
  const count = (status: IFinding['status']) =>
    findings.filter(each => each.status === status).length;
  const failed = count('failed');
  const warnings = count('warning');
  if (failed + warnings === 0) {
    return trans.__('All checks passed.');
  }
  const parts = [
    failed ? trans._n('%1 failed', '%1 failed', failed) : '',
    warnings ? trans._n('%1 warning', '%1 warnings', warnings) : '',
    trans.__('%1 ok', count('ok'))
  ];
  return parts.filter(Boolean).join(', ');
}
