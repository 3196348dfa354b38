import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Action } from './paneaction';
import type { PaneView } from './paneview';

/** Sites that the pane wants to load from or does load from, and what can be done about each. */
export function SiteOffers(props: {
  view: PaneView;
  owner: string;
  trans: TranslationBundle;
}): React.ReactElement {
  const { view, owner, trans } = props;
  return (
    <>
      {view.wantedSites.map(site => (
        <div key={site} className="jp-PeerPane-notice jp-PeerPane-site" role="alert">
          <span>{trans.__('This pane wants to load from')}</span>
          <strong className="jp-PeerPane-host">{site}</strong>
          <span>
            {trans.__('That site then sees your address, and the pane could tell it things.')}
          </span>
          <Action
            label={trans.__('Allow for This Pane')}
            run={() => view.allowSite(site, 'pane')}
          />
          <Action
            label={trans.__('Always for %1', owner)}
            run={() => view.allowSite(site, 'peer')}
          />
        </div>
      ))}
      {view.allowedSites.map(site => (
        <div key={site} className="jp-PeerPane-notice jp-PeerPane-site">
          <span>{trans.__('This pane may load from %1', site)}</span>
          <Action label={trans.__('Do Not Allow')} run={() => view.allowSite(site, 'no')} />
        </div>
      ))}
    </>
  );
}
