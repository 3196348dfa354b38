import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useFollowed, useView } from '../context';
import { Failure } from '../section';
import { IAuditEntry } from '../shapes';
import { ActivityLog, peersOf } from './model';
import { detailWords, entryWords } from './words';

/** Entries that are shown at first, and that each press of the button adds. */
const SHOWN = 100;

/** The audit log: what happened between this node and its peers, the newest first. */
export function ActivityView({ log }: { log: ActivityLog }): React.ReactElement {
  const { model, trans } = useView();
  const { entries, error, peer } = useFollowed(log.changed, () => log.state);
  const [most, setMost] = React.useState(SHOWN);
  const known = entries ?? [];
  const people = [...new Set([...(peer === null ? [] : [peer]), ...known.flatMap(peersOf)])];
  const chosen = peer === null ? known : known.filter(each => peersOf(each).includes(peer));
  const later = chosen.length - most;
  return (
    <>
      <label className="jp-Peers-activityFilter">
        {trans.__('Peer')}
        <select
          className="jp-Peers-select"
          value={peer ?? ''}
          onChange={({ target }) => {
            setMost(SHOWN);
            log.choose(target.value || null);
          }}
        >
          <option value="">{trans.__('everybody')}</option>
          {people.map(id => (
            <option key={id} value={id}>
              {model.nameOf(id)}
            </option>
          ))}
        </select>
      </label>
      <Failure error={error} trans={trans} />
      {entries !== null && chosen.length === 0 && (
        <p role="status">{trans.__('Nothing has happened yet.')}</p>
      )}
      {chosen.length > 0 && (
        <table className="jp-Peers-activity" aria-label={trans.__('Activity, the newest first')}>
          <thead>
            <tr>
              <th scope="col">{trans.__('When')}</th>
              <th scope="col">{trans.__('Peer')}</th>
              <th scope="col">{trans.__('What')}</th>
            </tr>
          </thead>
          <tbody>
            {chosen.slice(0, most).map((entry, place) => (
              <Entry key={chosen.length - place} entry={entry} />
            ))}
          </tbody>
        </table>
      )}
      {later > 0 && (
        <Button minimal small type="button" onClick={() => setMost(most + SHOWN)}>
          {trans._n('Show %1 more', 'Show %1 more', Math.min(later, SHOWN))}
        </Button>
      )}
    </>
  );
}

function Entry({ entry }: { entry: IAuditEntry }): React.ReactElement {
  const { model, trans } = useView();
  const at = new Date(entry.at * 1000);
  const nameOf = (nodeId: string) => model.nameOf(nodeId);
  const details = detailWords(entry, nameOf, trans);
  return (
    <tr>
      <td>
        <time dateTime={at.toISOString()}>{at.toLocaleString()}</time>
      </td>
      <td title={entry.peer ?? undefined}>{entry.peer === null ? '–' : nameOf(entry.peer)}</td>
      <td>
        {entryWords(entry, trans)}
        {details && <div className="jp-Peers-muted">{details}</div>}
      </td>
    </tr>
  );
}
