import * as React from 'react';

/** A button in the header of a pane. */
export function Action({ label, run }: { label: string; run: () => void }): React.ReactElement {
  return (
    <button type="button" className="jp-Peers-button jp-PeerPane-action" onClick={run}>
      {label}
    </button>
  );
}
