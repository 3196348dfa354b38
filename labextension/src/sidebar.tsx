import { Clipboard, Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { ITranslator } from '@jupyterlab/translation';
import { linkIcon, shareIcon } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import * as React from 'react';
import { IPanelContext, PanelContext, usePanel, usePeersState } from './context';
import { peersIcon } from './icon';
import { displayName, IPeersState, IStatusChange, PeersModel } from './model';
import { InviteForm, PairForm } from './pairing';
import { OfferedPanes, OwnPanes } from './panes';
import { ChatView } from './chat';
import { DoctorView } from './doctor';
import { FoundList } from './foundlist';
import { PeerList } from './peerlist';
import { LobbySection } from './rooms';
import { Failure, Section } from './section';
import { PANEL_ID } from './tokens';
import { WhoAmI } from './whoami';
import { statusWord } from './wording';

export type FormName = 'invite' | 'pair' | 'chat' | 'doctor';

/** What of the settings the panel follows. */
export interface IPanelSettings {
  showOffline: boolean;
  inviteLifetime: string;
}

export const DEFAULT_SETTINGS: IPanelSettings = { showOffline: true, inviteLifetime: '24h' };

/** The panel in the left side bar: who I am, who is connected and by which path, what is shared. */
export class PeersSidebar extends ReactWidget {
  constructor(
    model: PeersModel,
    translator: ITranslator,
    openPane: (nodeId: string, name: string) => void
  ) {
    super();
    const trans = translator.load('jupyter_peer');
    this.id = PANEL_ID;
    this.addClass('jp-Peers');
    this.title.icon = peersIcon;
    this.title.caption = trans.__('Peers');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Peers'));
    this.node.tabIndex = -1;
    this._context = {
      model,
      trans,
      openPane,
      copy: text => Clipboard.copyToSystem(text),
      chat: nodeId => this.openForm('chat', nodeId),
      examine: nodeId => this.openForm('doctor', nodeId),
      confirm: async (title, body, action) => {
        const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label: action })];
        return (await showDialog({ title, body, buttons })).button.accept;
      }
    };
  }

  set settings(settings: IPanelSettings) {
    this._settings = settings;
    this.update();
  }

  /** Whether the conversation with this peer can be seen. */
  isChatWith(nodeId: string): boolean {
    const isSeen = this.isVisible && document.visibilityState !== 'hidden';
    return isSeen && this._form === 'chat' && this._about === nodeId;
  }

  /** Open a form, about a peer if it is about one, and put the focus in it; null closes it. */
  openForm(form: FormName | null, about: string | null = null): void {
    this._form = form;
    this._about = about;
    // Asked for again it starts afresh, and takes the focus.
    this._opened += 1;
    this.update();
  }

  override render(): React.ReactElement {
    return (
      <PanelContext.Provider value={this._context}>
        <Panel
          settings={this._settings}
          form={this._form}
          about={this._about}
          visible={this.isVisible}
          formKey={this._opened}
          onForm={form => this.openForm(form)}
        />
      </PanelContext.Provider>
    );
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    if (!this.node.contains(document.activeElement)) {
      this.node.focus();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }

  override dispose(): void {
    Signal.clearData(this);
    super.dispose();
  }

  private readonly _context: IPanelContext;
  private _settings = DEFAULT_SETTINGS;
  private _form: FormName | null = null;
  private _about: string | null = null;
  private _opened = 0;
}

interface IPanelProps {
  settings: IPanelSettings;
  form: FormName | null;
  /** The peer that the form is about; null for none, or this node. */
  about: string | null;
  formKey: number;
  /** Whether somebody can see the panel. */
  visible: boolean;
  onForm: (form: FormName | null) => void;
}

/** The panel's content; needs a `PanelContext` around it. */
export function Panel(props: IPanelProps): React.ReactElement {
  const { model, trans } = usePanel();
  const state = usePeersState(model);
  return (
    <div className="jp-Peers-content">
      {state.phase === 'loading' && (
        <p className="jp-Peers-loading" role="status">
          <span className="jp-Peers-spinner" aria-hidden="true" />
          {trans.__('Looking up this node and its peers…')}
        </p>
      )}
      {state.phase === 'error' && (
        <div className="jp-Peers-blank">
          <Failure error={state.error} />
          <button
            type="button"
            className="jp-Peers-button jp-mod-primary"
            onClick={() => void model.refresh()}
          >
            {trans.__('Try again')}
          </button>
        </div>
      )}
      {state.phase === 'ready' && <Ready {...props} state={state} />}
      <Announcer />
    </div>
  );
}

function Ready(props: IPanelProps & { state: IPeersState }): React.ReactElement {
  const { about, form, formKey, onForm, settings, state, visible } = props;
  const { trans } = usePanel();
  const { identity, live, panes } = state;
  const toggle = (name: FormName) => onForm(form === name ? null : name);
  const shown = state.peers.filter(
    peer => settings.showOffline || (peer.status !== 'offline' && peer.status !== 'blocked')
  );
  // Those of the lobby are shown in their rooms.
  const nearby = state.found.filter(node => node.source !== 'lobby');
  const asked = state.peers.find(peer => peer.node_id === about) ?? null;
  const hidden = state.peers.length - shown.length;
  return (
    <>
      {!live && <Interrupted state={state} />}
      {identity && <WhoAmI identity={identity} live={live} />}
      <div className="jp-Peers-main" role="group" aria-label={trans.__('Meet someone')}>
        <button
          type="button"
          className={`jp-Peers-button ${state.peers.length === 0 ? 'jp-mod-primary' : ''}`}
          aria-expanded={form === 'invite'}
          onClick={() => toggle('invite')}
        >
          <shareIcon.react tag="span" aria-hidden="true" />
          {trans.__('Invite')}
        </button>
        <button
          type="button"
          className="jp-Peers-button"
          aria-expanded={form === 'pair'}
          onClick={() => toggle('pair')}
        >
          <linkIcon.react tag="span" aria-hidden="true" />
          {trans.__('Pair')}
        </button>
      </div>
      {form === 'invite' && (
        <InviteForm
          key={formKey}
          lifetime={settings.inviteLifetime}
          live={live}
          onClose={() => onForm(null)}
        />
      )}
      {form === 'pair' && <PairForm key={formKey} live={live} onClose={() => onForm(null)} />}
      {form === 'chat' && asked && (
        <ChatView
          key={formKey}
          peer={asked}
          live={live}
          visible={visible}
          onClose={() => onForm(null)}
        />
      )}
      {form === 'doctor' && (about === null || asked) && (
        <DoctorView key={formKey} peer={asked} live={live} onClose={() => onForm(null)} />
      )}
      <Section title={trans.__('Peers')} count={state.peers.length}>
        {shown.length > 0 && <PeerList peers={shown} unread={state.unread} live={live} />}
        {hidden > 0 && (
          <p className="jp-Peers-empty">
            {trans._n(
              '%1 offline peer is hidden by the settings.',
              '%1 offline peers are hidden by the settings.',
              hidden
            )}
          </p>
        )}
        {state.peers.length === 0 && (
          <div className="jp-Peers-empty">
            <p>{trans.__('Nobody yet. To meet someone, either')}</p>
            <ul>
              <li>{trans.__('invite them, and send them the text, or')}</li>
              <li>{trans.__('pair with an invite that they sent you.')}</li>
            </ul>
            <p>{trans.__('You then share single outputs with them, never your server.')}</p>
          </div>
        )}
      </Section>
      {nearby.length > 0 && (
        <Section title={trans.__('Found nearby')} count={nearby.length}>
          <FoundList found={nearby} />
        </Section>
      )}
      {state.lobby?.url && <LobbySection lobby={state.lobby} live={live} />}
      <Section title={trans.__('Shared by me')} count={panes.mine.length}>
        <OwnPanes panes={panes.mine} />
      </Section>
      <Section title={trans.__('Shared with me')} count={panes.offered.length}>
        <OfferedPanes panes={panes.offered} />
      </Section>
    </>
  );
}

/** Contact with the own server is lost: what is shown may be old. */
function Interrupted({ state }: { state: IPeersState }): React.ReactElement {
  const { model, trans } = usePanel();
  return (
    <div className="jp-Peers-interrupted" role="status">
      <span className="jp-Peers-spinner" aria-hidden="true" />
      <span>
        {state.retryAt === null
          ? trans.__('Connecting to your Jupyter server…')
          : trans.__('Your Jupyter server does not answer. This is what was known last.')}
      </span>
      {state.retryAt !== null && (
        <button type="button" className="jp-Peers-button" onClick={() => void model.refresh()}>
          {trans.__('Try now')}
        </button>
      )}
    </div>
  );
}

/** Says changes of status aloud to those who do not see the dots. */
function Announcer(): React.ReactElement {
  const { model, trans } = usePanel();
  const [text, setText] = React.useState('');
  React.useEffect(() => {
    const onChange = (_: PeersModel, { peer }: IStatusChange) =>
      setText(trans.__('%1: %2', displayName(peer), statusWord(peer, trans)));
    model.statusChanged.connect(onChange);
    return () => {
      model.statusChanged.disconnect(onChange);
    };
  }, [model, trans]);
  return (
    <div className="jp-sr-only" aria-live="polite">
      {text}
    </div>
  );
}
