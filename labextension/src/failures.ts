import { TranslationBundle } from '@jupyterlab/translation';

const built = new WeakMap<TranslationBundle, Record<string, string>>();

/**
 * What each error of the server means, by its code: for errors that say more than is translated.
 *
 * Built once for each translator. Written by `python -m tests.vectors.failures` from the classes in
 * `jupyter_peer/errors.py`.
 */
export function failureTexts(trans: TranslationBundle): Record<string, string> {
  const texts = built.get(trans) ?? build(trans);
  built.set(trans, texts);
  return texts;
}

function build(trans: TranslationBundle): Record<string, string> {
  // prettier-ignore
  return {
    agent: trans.__("the question was not answered"),
    agent_failed: trans.__("the agent failed"),
    agent_gone: trans.__("the agent is gone: its kernel has ended or lost its server"),
    agent_loop: trans.__("the question has returned to a node that has already forwarded it"),
    ambiguous_peer: trans.__("more than one peer fits"),
    ambiguous_server: trans.__("more than one Jupyter server with jupyter-peer runs here"),
    answer_too_long: trans.__("the answer is too long"),
    bad_address: trans.__("this is not an address that can be dialled"),
    bad_chain: trans.__("the signed chain of the question is not valid"),
    bad_echo: trans.__("the answer does not belong to this handshake"),
    bad_identity: trans.__("the presented key does not belong to the claimed node id"),
    bad_name: trans.__("this name cannot be used"),
    bad_request: trans.__("the request does not have the expected shape"),
    bad_session: trans.__("the answer does not belong to this sealed session"),
    bad_signature: trans.__("the signature does not match"),
    blocked: trans.__("this peer is blocked"),
    busy: trans.__("there are too many of these already"),
    code_malformed: trans.__("this is not a code"),
    code_unknown: trans.__("nobody waits for this code: it was used, has expired or was typed wrong"),
    code_wrong: trans.__("the words of this code were wrong, so the code is no longer valid"),
    data_dir: trans.__("the data directory cannot be used"),
    duplicate_link: trans.__("both sides dialled at once; the other link is used"),
    error: trans.__("something failed"),
    invite_expired: trans.__("this invite has expired"),
    invite_malformed: trans.__("this is not an invite"),
    invite_revoked: trans.__("this invite was revoked by the one who made it"),
    invite_unknown: trans.__("the peer does not know this invite"),
    invite_used: trans.__("this invite was already used"),
    kernel_gone: trans.__("the kernel is not known to this server"),
    key_changed: trans.__("a known node id shows another key"),
    key_file: trans.__("the identity key cannot be read"),
    link: trans.__("the peer cannot be reached"),
    link_closed: trans.__("the link was closed"),
    link_expired: trans.__("this guest link has expired"),
    link_unknown: trans.__("this guest link was stopped, or is not complete"),
    lookup: trans.__("there is no such thing"),
    malformed: trans.__("the frame or message is malformed"),
    no_server: trans.__("no Jupyter server with jupyter-peer was found"),
    not_connected: trans.__("this peer is not connected"),
    not_enabled: trans.__("this is switched off"),
    not_granted: trans.__("the owner of this pane has not granted this"),
    not_trusted: trans.__("the peer does not trust this node"),
    not_watched: trans.__("no kernel of this server is watching this pane"),
    overflow: trans.__("the peer does not read fast enough and the send queue is full"),
    own_node: trans.__("this address or invite belongs to this node itself"),
    pane: trans.__("the pane does not allow this"),
    pane_ended: trans.__("this pane has ended"),
    pane_exists: trans.__("another kernel already shares a pane with this name"),
    proof: trans.__("the proof does not show who signed this"),
    proof_forged: trans.__("a signature of the proof does not match"),
    proof_incomplete: trans.__("a part of the signed content is missing in the proof"),
    proof_malformed: trans.__("this is not a proof of jupyter-peer"),
    protocol: trans.__("the peer sent a message at the wrong moment"),
    refused: trans.__("the connection was refused"),
    replayed: trans.__("this message was seen before"),
    room_exists: trans.__("a room with this name already exists"),
    room_refused: trans.__("this room does not admit this node"),
    seal_broken: trans.__("a sealed frame does not open: it was altered, dropped, repeated or reordered"),
    stale: trans.__("the message is too old or comes from the future"),
    store: trans.__("the data directory cannot be used"),
    store_corrupt: trans.__("the database is damaged"),
    store_foreign: trans.__("the database was made by another program or a newer version"),
    timeout: trans.__("no answer came in time"),
    too_large: trans.__("the frame or message is larger than allowed"),
    too_many_hops: trans.__("too many nodes have forwarded the question"),
    tool_refused: trans.__("the agent may not use this tool now"),
    turn_cancelled: trans.__("the turn was cancelled"),
    unauthorized: trans.__("the server does not accept this secret or login"),
    unknown_agent: trans.__("no such agent is registered there"),
    unknown_module: trans.__("the owner has not installed the code of this widget"),
    unknown_pane: trans.__("there is no such pane"),
    unknown_peer: trans.__("no peer has this name or id"),
    unknown_room: trans.__("there is no such room"),
    unreachable: trans.__("no address of this peer answers"),
    unsealed_refused: trans.__("the peer does not seal its messages"),
    unsupported: trans.__("the peer does not know this kind of message"),
    wire: trans.__("the peer sent something that breaks the protocol"),
    wrong_node: trans.__("another node than the expected one answered"),
  };
}
