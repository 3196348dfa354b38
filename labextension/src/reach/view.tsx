import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useAction, useFollowed, usePeersState, useView } from '../context';
import { runForm, TextField } from '../panel/dialog';
import { Failure } from '../section';
import { IFinding, IReach, ReachMode } from '../shapes';
import { findingWords } from '../wording';
import { ReachModel } from './model';

const MODES: ReachMode[] = ['local', 'network', 'relay', 'webrtc'];

/** The reach of this node: four choices, and the findings of the connection check about the current one. */
export function ReachView({ reach }: { reach: ReachModel }): React.ReactElement | null {
  const { trans } = useView();
  const { live } = usePeersState();
  const now = useFollowed(reach.changed, () => reach.reach);
  const { busy, error, run } = useAction();
  const [wanted, setWanted] = React.useState<ReachMode | null>(null);
  if (!now) {
    return (
      <p className="jp-Peers-empty" role="status">
        {trans.__('Checking…')}
      </p>
    );
  }
  const choose = (mode: ReachMode) => {
    setWanted(mode);
    run(async () => {
      await chooseReach(reach, mode, now, trans);
    });
  };
  return (
    <div role="radiogroup" aria-label={trans.__('Who can reach this node')}>
      {MODES.map(mode => (
        <Choice
          key={mode}
          mode={mode}
          reach={now}
          enabled={live && !busy && !now.locked[mode]}
          pending={busy && wanted === mode}
          onChoose={() => choose(mode)}
        />
      ))}
      <Failure error={error} trans={trans} />
    </div>
  );
}

/** Apply a choice; a relay is asked for first. */
async function chooseReach(
  reach: ReachModel,
  mode: ReachMode,
  now: IReach,
  trans: TranslationBundle
): Promise<void> {
  if (mode === 'local' || mode === 'network') {
    await reach.choose(mode);
    return;
  }
  await runForm({
    trans,
    title: modeWords(mode, trans),
    action: trans.__('Use this relay'),
    fields: (
      <TextField
        label={trans.__('URL of the relay')}
        name="url"
        required
        maxLength={512}
        placeholder="wss://relay.example"
        defaultValue={now.relay_url ?? now.last_relay_url ?? ''}
      />
    ),
    task: ({ url }) => reach.choose(mode, url)
  });
}

function Choice(props: {
  mode: ReachMode;
  reach: IReach;
  enabled: boolean;
  pending: boolean;
  onChoose: () => void;
}): React.ReactElement {
  const { mode, reach, enabled, pending, onChoose } = props;
  const { trans } = useView();
  const help = React.useId();
  const locked = reach.locked[mode];
  const isOn = reach.mode === mode;
  return (
    <>
      <label className="jp-Peers-choice">
        <input
          type="radio"
          name="jp-Peers-reach"
          checked={isOn}
          disabled={!enabled && !isOn}
          aria-describedby={help}
          onChange={onChoose}
          onKeyDown={moveOnly}
        />
        <span>{modeWords(mode, trans)}</span>
      </label>
      <div id={help} className="jp-Peers-choiceHelp">
        {pending ? (
          <p role="status">{trans.__('Checking…')}</p>
        ) : (
          isOn && summaryOf(reach).map((each, index) => <Found key={index} finding={each} />)
        )}
        {!isOn && !pending && locked && (
          <p className="jp-Peers-muted">
            {trans.__('Your configuration decides this (%1).', locked)}
          </p>
        )}
        {isOn && reach.fixed_by && (
          <p className="jp-Peers-muted">
            {trans.__('Your configuration decides this (%1).', reach.fixed_by)}
          </p>
        )}
      </div>
    </>
  );
}

/** The arrow keys move to another choice, and only the space bar makes it: it opens the node to others. */
function moveOnly(event: React.KeyboardEvent<HTMLInputElement>): void {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (step) {
    event.preventDefault();
    const group = event.currentTarget.closest('[role=radiogroup]');
    const all = [...(group?.querySelectorAll<HTMLInputElement>('input:enabled') ?? [])];
    const index = all.indexOf(event.currentTarget);
    all[(index + step + all.length) % all.length]?.focus();
  }
}

/** The findings as sentences; the connection check lists the single checks. */
function summaryOf({ checked }: IReach): IFinding[] {
  const summary = checked.filter(({ check }) => check === 'choice' || check === 'reach');
  return summary.length > 0 ? summary : checked.filter(({ status }) => status === 'failed');
}

function Found({ finding }: { finding: IFinding }): React.ReactElement {
  const { trans } = useView();
  const { text, hint } = findingWords(finding, trans);
  return (
    <p className={finding.status === 'failed' ? 'jp-Peers-failure' : undefined} role="status">
      <span>{text}</span>
      {hint && <span className="jp-Peers-muted"> {hint}</span>}
    </p>
  );
}

/** A choice in words. */
export function modeWords(mode: ReachMode, trans: TranslationBundle): string {
  switch (mode) {
    case 'local':
      return trans.__('This computer');
    case 'network':
      return trans.__('This network');
    case 'relay':
      return trans.__('Anywhere, by a relay');
    default:
      return trans.__('Through routers (WebRTC)');
  }
}
