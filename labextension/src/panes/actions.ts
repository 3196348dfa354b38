import { CommandIDs } from '../tokens';

/** What the menu of a peer's pane offers; each command has its `peer` and `name`. */
export const PANE_ACTIONS = [
  [CommandIDs.openPane, CommandIDs.popOut],
  [CommandIDs.ask, CommandIDs.chat, CommandIDs.doctor]
];
