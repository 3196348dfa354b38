import { TranslationBundle } from '@jupyterlab/translation';
import { failureTexts } from '../failures';
import { IAuditEntry } from '../shapes';
import { pathWord } from '../wording';

/** What each kind of entry tells; `tests/server/test_events.py` checks that no kind is missing. */
export function kindTexts(trans: TranslationBundle): Record<string, string> {
  return {
    agent_allowed: trans.__('You chose who may ask an agent'),
    agent_asked: trans.__('You asked an agent of the peer'),
    agent_refused: trans.__('A question of the peer was refused'),
    agent_registered: trans.__('A notebook registered an agent'),
    agent_tool: trans.__('An agent called a tool'),
    agent_turn: trans.__('An agent began to answer the peer'),
    agent_turn_ended: trans.__('An agent ended its answer'),
    agents_off: trans.__('You stopped peers from asking agents'),
    agents_on: trans.__('You let peers ask agents'),
    code_ended: trans.__('The code of an invite ended'),
    code_expired: trans.__('The code of an invite expired'),
    code_used: trans.__('The code of an invite was used'),
    code_wrong: trans.__('Wrong words ended the code of an invite'),
    guest_dropped: trans.__('You dropped a guest'),
    guest_joined: trans.__('A guest opened a link'),
    guest_refused: trans.__('A guest was refused'),
    invite_minted: trans.__('You made an invite'),
    invite_revoked: trans.__('You revoked an invite'),
    invite_used: trans.__('The peer redeemed an invite'),
    link_made: trans.__('You made a link'),
    link_stopped: trans.__('You stopped a link'),
    lobby_off: trans.__('This node left the list of the lobby'),
    lobby_on: trans.__('This node entered the list of the lobby'),
    pane_granted: trans.__('You gave the peer a pane'),
    pane_input: trans.__('The peer used a pane'),
    pane_input_refused: trans.__('An input of the peer was refused'),
    pane_revoked: trans.__('You took a pane back from the peer'),
    pane_shared: trans.__('You shared a pane'),
    pane_unshared: trans.__('You stopped sharing a pane'),
    peer_blocked: trans.__('You blocked the peer'),
    peer_forgotten: trans.__('You forgot the peer'),
    peer_paired: trans.__('You paired with the peer'),
    peer_unblocked: trans.__('You unblocked the peer'),
    peer_unlisted: trans.__('The directory no longer lists the peer'),
    reach_chosen: trans.__('You chose who can reach this node'),
    room_created: trans.__('You made a room'),
    room_joined: trans.__('You joined a room'),
    room_left: trans.__('You left a room')
  };
}

/** Return the names of the facts in an entry's detail. */
function factTexts(trans: TranslationBundle): Record<string, string> {
  return {
    address: trans.__('address'),
    agent: trans.__('agent'),
    chain: trans.__('through'),
    characters: trans.__('characters'),
    code: trans.__('reason'),
    decision: trans.__('decision'),
    expires: trans.__('expires'),
    fixed_by: trans.__('decided by'),
    grant: trans.__('may'),
    guest: trans.__('guest'),
    invite: trans.__('invite'),
    join_policy: trans.__('who may join'),
    link: trans.__('link'),
    lobby: trans.__('lobby'),
    mode: trans.__('mode'),
    more_before: trans.__('more before'),
    name: trans.__('name'),
    only: trans.__('only'),
    outcome: trans.__('outcome'),
    pane: trans.__('pane'),
    path: trans.__('path'),
    prompt: trans.__('question'),
    question: trans.__('question id'),
    room: trans.__('room'),
    seconds: trans.__('seconds'),
    tool: trans.__('tool'),
    tools: trans.__('tools'),
    turn: trans.__('turn'),
    why: trans.__('why'),
    with: trans.__('with')
  };
}

const spaced = (name: string) => name.replace(/_/g, ' ');

/** What an entry tells; a kind that this page does not know is shown by its name. */
export function entryWords({ kind }: IAuditEntry, trans: TranslationBundle): string {
  return kindTexts(trans)[kind] ?? spaced(kind);
}

/**
 * Return the facts of an entry, each with its name.
 *
 * @param nameOf - Returns the name of a peer by its node id.
 */
export function detailWords(
  { detail }: IAuditEntry,
  nameOf: (nodeId: string) => string,
  trans: TranslationBundle
): string {
  const names = factTexts(trans);
  const valueWords = (name: string, value: unknown): string => {
    if (Array.isArray(value)) {
      const each = value.map(item => valueWords(name, item)).join(', ');
      return each || (name === 'tools' ? trans.__('none') : trans.__('nobody'));
    }
    switch (name) {
      case 'with':
      case 'only':
      case 'chain':
        return value === null ? trans.__('every peer') : nameOf(String(value));
      case 'expires':
        return new Date(Number(value) * 1000).toLocaleString();
      case 'code':
      case 'outcome':
        return failureTexts(trans)[String(value)] ?? String(value);
      case 'grant':
        return value === 'interact' ? trans.__('use') : trans.__('view');
      case 'path':
        return pathWord(String(value), trans);
      default:
        return value === null ? '–' : String(value);
    }
  };
  return Object.entries(detail)
    .map(([name, value]) =>
      trans.__('%1: %2', names[name] ?? spaced(name), valueWords(name, value))
    )
    .join(' · ');
}
