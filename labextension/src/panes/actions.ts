import { CommandIDs } from '../tokens';

/** The commands in the menu of a peer's pane; each has the arguments `peer` and `name`. */
export const PANE_ACTIONS = [
  [CommandIDs.openPane, CommandIDs.popOut],
  [CommandIDs.ask, CommandIDs.chat, CommandIDs.doctor]
];
