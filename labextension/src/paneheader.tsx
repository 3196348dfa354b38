import { ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useNow } from './context';
import { Action } from './paneaction';
import { PaneFeed } from './panefeed';
import { PaneFrame } from './paneframe';
import type { PaneView } from './paneview';
import { isWithdrawn, paneFacts, paneStatus } from './panewording';
import { afterPress } from './press';
import { Failure } from './section';
import { SiteOffers } from './siteoffer';

/** The owner and the status of a pane, with buttons. */
export class PaneHeader extends ReactWidget {
  constructor(
    private readonly _view: PaneView,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-PeerPane-header');
    // A stop before each frame: a Tab from pane to pane would look like a pane that takes the focus.
    this.node.tabIndex = 0;
    this.node.setAttribute('role', 'group');
    // What a pane does must not move a button from under the pointer, or to it.
    const draw = () => this.update();
    _view.changed.connect(() => afterPress(draw));
  }

  override render(): React.ReactElement {
    const { feed, frame, label } = this._view;
    this.node.setAttribute('aria-label', this._trans.__('The pane %1', label));
    return <Header view={this._view} state={feed.state} frame={frame} trans={this._trans} />;
  }
}

interface IHeaderProps {
  view: PaneView;
  state: PaneFeed['state'];
  frame: PaneFrame;
  trans: TranslationBundle;
}

function Header({ view, state, frame, trans }: IHeaderProps): React.ReactElement {
  const now = useNow(5);
  const { info, phase } = state;
  const title = info?.title && info.title !== view.name ? info.title : '';
  const status = paneStatus(state, now, trans, view.conditions);
  return (
    <>
      <div className="jp-PeerPane-line">
        <strong className="jp-PeerPane-name">{view.label}</strong>
        {title && <span className="jp-PeerPane-title">{title}</span>}
        {phase !== 'idle' && (
          <>
            <span className="jp-PeerPane-status" data-status={status.key}>
              <span className="jp-PeerPane-dot" aria-hidden="true" />
              {status.words}
            </span>
            <span className="jp-PeerPane-facts">{paneFacts(state, now, trans).join(' · ')}</span>
          </>
        )}
        {phase === 'idle' && (
          <>
            <span className="jp-PeerPane-facts">
              {trans.__('A pane of a peer. Its owner sees when you watch it.')}
            </span>
            <Action label={trans.__('Show it')} run={() => view.open()} />
          </>
        )}
        {phase === 'open' && view.lacksCode && (
          <Action label={trans.__('Ask again for the widgets')} run={() => view.openAgain()} />
        )}
        {phase === 'failed' && <Action label={trans.__('Try again')} run={() => view.open()} />}
      </div>
      {phase === 'failed' && !isWithdrawn(state) && <Failure error={state.error} trans={trans} />}
      {view.link && <LinkOffer view={view} link={view.link} trans={trans} />}
      {view.hasTooManyLinks && (
        <div className="jp-PeerPane-notice" role="alert">
          <span>
            {trans.__('You opened none of the last links of this pane, so it offers no more.')}
          </span>
          <Action label={trans.__('Offer links again')} run={() => view.offerLinksAgain()} />
        </div>
      )}
      <SiteOffers view={view} owner={view.ownerName} trans={trans} />
      <FrameNotice view={view} frame={frame} trans={trans} />
      <span className="jp-sr-only" role="status">
        {phase === 'idle' ? '' : `${view.label}: ${status.words}`}
      </span>
    </>
  );
}

/** A link that was clicked in the pane: its host apart from the rest, and what can be done with it. */
function LinkOffer(props: {
  view: PaneView;
  link: URL;
  trans: TranslationBundle;
}): React.ReactElement {
  const { view, link, trans } = props;
  return (
    <div className="jp-PeerPane-notice jp-PeerPane-link" role="alert">
      <span>{trans.__('A link in this pane leads to')}</span>
      <strong className="jp-PeerPane-host">{link.host}</strong>
      <code className="jp-PeerPane-url">{`${link.protocol}//…${link.pathname}${link.search}${link.hash}`}</code>
      <Action label={trans.__('Open')} run={() => view.openLink()} />
      <Action label={trans.__('Do not open')} run={() => view.dismissLink()} />
    </div>
  );
}

/** Tells why the frame is gone or silent, if it is. */
function FrameNotice(props: {
  view: PaneView;
  frame: PaneFrame;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { view, frame, trans } = props;
  if (frame.status === 'starting' || frame.status === 'ready') {
    return null;
  }
  const words = {
    waiting: trans.__('What runs in this pane does not answer.'),
    flood: trans.__('This pane was stopped: a script in it sent too much.'),
    reload: trans.__('This pane was stopped: a script in it made it load again and again.'),
    focus: trans.__(
      'This pane was stopped: a script in it took the keyboard while you were not using the pane.'
    ),
    history: trans.__(
      'This pane was stopped: a script in it, or in another pane, filled the history of this tab.'
    ),
    person: trans.__('This pane was stopped.')
  }[frame.status];
  return (
    <div className="jp-PeerPane-notice" role="alert">
      <span>{words}</span>
      {frame.status === 'waiting' ? (
        <Action label={trans.__('Stop it')} run={() => frame.stop('person')} />
      ) : (
        <Action label={trans.__('Show it again')} run={() => view.open()} />
      )}
    </div>
  );
}
