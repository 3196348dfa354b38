/** Shapes that the server sends over REST and control socket; a test checks them against its operation table. */

export type PeerStatus = 'connected' | 'connecting' | 'offline' | 'blocked';

export type Grant = 'view' | 'interact';

/** The identity of a node. */
export interface IIdentity {
  node_id: string;
  node_name: string;
  /** Whether somebody has given it this name; else it is a proposal. */
  named: boolean;
  public_key: string;
  /** SHA-256 of the key in groups of hex digits, for people to compare. */
  fingerprint?: string;
  capabilities: string[];
  /** Where peers can dial this node. */
  addresses: string[];
}

/** A peer as this node knows it; times are epoch seconds. */
export interface IPeer {
  node_id: string;
  /** The name it got here at the first meeting; it stays when the peer renames itself. */
  node_name: string;
  /** Announced name, if it differs from the local name. */
  calls_itself: string | null;
  alias: string | null;
  public_key: string;
  transport: string | null;
  address: string | null;
  status: PeerStatus;
  trusted: boolean;
  blocked: boolean;
  /** Reason why it is a peer: `invite`, or a policy that admits it for now. */
  origin: string;
  last_seen: number | null;
  rtt_ms: number | null;
  capabilities: string[];
  /** Names of the panes that the peer offers to this node. */
  panes: string[];
  /** Why the last attempt to connect failed, or why the peer wants no connection. */
  last_error: IFailure | null;
}

/** A node that was found nearby and is no peer; nothing it says of itself is proven. */
export interface IFoundNode {
  node_id: string;
  node_name: string;
  source: string;
  addresses: string[];
}

export interface IPeerList {
  self: Partial<IIdentity>;
  peers: IPeer[];
  found?: IFoundNode[];
}

export interface IViewer {
  node_id: string;
  node_name: string;
  grant: Grant;
}

/** Input of peers that widgets of other libraries than ipywidgets accept. */
export type OtherWidgets = 'none' | 'values' | 'all';

/** A pane of this node. */
export interface IOwnPane {
  name: string;
  title: string;
  rev: number;
  status: 'live' | 'ended';
  kernel_id: string | null;
  /** The cell of a notebook that it stays with. */
  cell_id: string | null;
  /** The present path of this notebook, if known. */
  path: string | null;
  /** The place of the cell's one output that is shared; null for all of them. */
  output: number | null;
  /** Whether its cell ended with an error. */
  failed: boolean;
  other_widgets: OtherWidgets;
  /** What names the cells of a presented notebook; null for other panes. */
  presented_by: 'kernel' | 'page' | null;
  viewers: IViewer[];
  grants: Record<string, Grant>;
}

/** A pane that a peer shares with this node. */
export interface IOfferedPane {
  name: string;
  title: string;
  grant: Grant;
  /** When it was shared, epoch seconds. */
  since: number;
  peer: { node_id: string; node_name: string; alias: string | null };
}

export interface IPaneLists {
  mine: IOwnPane[];
  offered: IOfferedPane[];
}

/** `live`, `last seen` (the owner is away), `ended` (its kernel has), `withdrawn` or `closed`. */
export type PaneStatus = 'live' | 'last seen' | 'ended' | 'withdrawn' | 'closed';

/** The facts about a watched pane besides its outputs; times are epoch seconds. */
export interface IPaneInfo {
  name: string;
  title: string;
  grant: Grant;
  since: number;
  status: PaneStatus;
  last_seen: number | null;
  owner: { node_id: string; node_name: string; alias: string | null };
  path: string | null;
  rtt_ms: number | null;
  truncated: number;
}

/**
 * A change of a watched pane: `messages` that build on `prev`, or the whole state.
 *
 * What is inside is the peer's and stays unread here: the frame that draws it takes it as it is.
 */
export interface IPaneStep {
  epoch: string;
  rev: number;
  truncated?: number;
  prev?: number | null;
  messages?: unknown[];
  outputs?: unknown[];
  display_ids?: Record<string, number[]>;
  clear_wait?: boolean;
  text_limit?: number;
  widgets?: unknown;
}

export type JoinPolicy = 'open' | 'token' | 'directory';

/** A node as the lobby tells of it; `peer` is the status of one that is a peer. */
export interface IAtLobby {
  node_id: string;
  node_name: string;
  addresses: string[];
  away: boolean;
  me: boolean;
  peer: PeerStatus | null;
}

/** A room of the lobby; `members` are known of those that this node is in. */
export interface IRoom {
  name: string;
  visibility: 'public' | 'unlisted' | null;
  join_policy: JoinPolicy | null;
  group: string | null;
  member_count: number;
  joined: boolean;
  members: IAtLobby[] | null;
  error: { code: string; message: string; hint: string } | null;
}

/** The state of this node at its lobby; `url` is null without a lobby. */
export interface ILobby {
  url: string | null;
  status: 'off' | 'idle' | 'connecting' | 'connected';
  listed: boolean;
  rooms: IRoom[];
  error: { code: string; message: string; hint: string } | null;
}

/** A room just made or entered; the token is shown once, to who has made it. */
export interface IEnteredRoom {
  room: IRoom;
  token: string | null;
}

/** One line of a conversation; `number` counts the lines of all of them. */
export interface IChatLine {
  number: number;
  peer: { node_id: string; node_name: string; alias: string | null };
  mine: boolean;
  at: number;
  text: string;
}

/** Lines, oldest first, and how many of each peer are not read. */
export interface IChats {
  lines: IChatLine[];
  unread: Record<string, number>;
}

/** A node that a question came through; `label` is its id where no better name is known. */
export interface IAsker {
  node_id: string;
  node_name: string;
  alias: string | null;
  label: string;
}

/** An argument of a call; one that is not exact describes itself, and may leave out parts. */
export interface IArgument {
  name: string;
  value: string;
  is_exact: boolean;
}

/** The mode of agents: they use read-only tools, or all tools with the owner's approval. */
export type AgentMode = 'read-only' | 'ask';

/** A question that is being answered; `since` is epoch seconds. */
export interface ITurn {
  turn: number;
  agent: string;
  peer: IAsker;
  since: number;
}

/** The agents of this node; `default` answers questions that name none. */
export interface IAgents {
  on: boolean;
  mode: AgentMode;
  default: string | null;
  agents: IAgent[];
  running: ITurn[];
}

/** A tool of an agent. */
export interface ITool {
  name: string;
  read_only: boolean;
}

/**
 * An agent of this node; `kernel_id` is null for the built-in one.
 *
 * `failure` is why its last turn failed, `askers` null if every peer may ask.
 */
export interface IAgent {
  name: string;
  kernel_id: string | null;
  tools: ITool[];
  failure: IAgentFailure | null;
  askers: IAsker[] | null;
}

/** Why an agent failed, for its owner; `at` is epoch seconds. */
export interface IAgentFailure {
  at: number;
  why: string;
  peer: IAsker;
}

/** An agent of a peer; `description` is the peer's text, `default` answers questions that name none. */
export interface IPeerAgent {
  name: string;
  description: string;
  default: boolean;
}

/** Something displayed in an answer: a MIME bundle. */
export interface IAnswerDisplay {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
}

/**
 * A piece of an answer: a text, or something displayed with its plain text.
 *
 * `waiting` says that the owner is asked about a tool.
 */
export interface IAskPiece {
  text: string;
  display: IAnswerDisplay | null;
  waiting: boolean;
}

/** A call of a tool that waits for the owner's yes; `expires` is when none is a no. */
export interface IApproval {
  id: number;
  peer: string;
  peer_name: string;
  chain: IAsker[];
  question: string;
  agent: string;
  tool: string;
  arguments: IArgument[];
  expires: number;
}

/** An entry of the audit log; `at` is epoch seconds. */
export interface IAuditEntry {
  at: number;
  kind: string;
  peer: string | null;
  detail: Record<string, unknown>;
}

/** One line of the doctor: what was looked at, how it is, and what to do. */
export interface IFinding {
  check: string;
  title?: string;
  subject: string | null;
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  text: string;
  hint: string;
  text_phrase?: IPhrase;
  /** Names what a person can click, where `hint` names a command. */
  hint_phrase?: IPhrase | null;
}

/** The parts of an error: `code` is a contract, the others are for people. */
export interface IFailure {
  code: string;
  message: string;
  hint: string;
  message_phrase?: IPhrase | null;
  hint_phrase?: IPhrase | null;
}

/** A sentence of the server: its English is the id for translators, with `%1` for the first parameter. */
export interface IPhrase {
  template: string;
  params?: (string | IPhrase)[];
}

/** The reach of a node: this computer, this network, anywhere by a relay, or through routers. */
export type ReachMode = 'local' | 'network' | 'relay' | 'webrtc';

/** The reach of this node. */
export interface IReach {
  mode: ReachMode;
  chosen: ReachMode;
  relay_url: string | null;
  last_relay_url: string | null;
  /** The setting of the server that decides, null when the choice does. */
  fixed_by: string | null;
  /** The modes that the configuration forbids, and the setting that does. */
  locked: Record<string, string>;
  addresses: string[];
  checked: IFinding[];
}

/** An invite just minted; the text is shown once and kept nowhere. `local_only` if no other machine can use it. */
export interface IMintedInvite {
  invite: string;
  id: string;
  expires: number;
  local_only: boolean;
  /** The spoken code, if it was requested. */
  code?: string | null;
  /** An SVG, if it was asked for. */
  qr?: string | null;
}

/** The stored facts about an invite. */
export interface IInvite {
  id: string;
  created: number;
  expires: number;
  note: string;
  status: 'open' | 'used' | 'revoked' | 'expired';
  /** Status of its code; null without one. */
  code?: 'waiting' | 'used' | 'wrong' | 'expired' | 'ended' | null;
}

/** A guest link just made; its URL is shown once and kept nowhere. */
export interface IMintedLink {
  link: string;
  id: string;
  expires: number;
  /** An SVG, if it was asked for. */
  qr?: string | null;
}

/** A browser that has a guest link open. */
export interface IGuest {
  id: string;
  /** Name that the guest announces; may be empty. */
  name: string;
  since: number;
  path: string;
}

/** A guest link, and who has it open. */
export interface ILink {
  id: string;
  pane: string;
  grant: 'view' | 'interact';
  expires: number;
  max_guests: number;
  guests: IGuest[];
}

/** One path that pairing or connecting tries; `ok` is null while it is under way. */
export interface IProgress {
  step: string;
  address?: string | null;
  ok: boolean | null;
  message?: string;
  message_phrase?: IPhrase | null;
}
