import { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import * as React from 'react';
import { IView } from '../context';
import { displayName } from '../model';
import { confirmLoss, orShowFailure, runForm, TextField } from '../panel/dialog';
import { IPeer } from '../shapes';
import { CommandIDs } from '../tokens';

/** Add the commands that concern one peer, named by the argument `peer`. */
export function addPeerCommands({ commands, model, trans }: IView): void {
  const add = (
    id: string,
    label: string,
    isVisible: (peer: IPeer) => boolean,
    execute: (peer: IPeer) => Promise<unknown>
  ) => {
    const named = (args: ReadonlyPartialJSONObject) => model.peer(args.peer);
    commands.addCommand(id, {
      label,
      isVisible: args => {
        const peer = named(args);
        return peer !== undefined && isVisible(peer);
      },
      isEnabled: () => model.state.live,
      execute: async args => {
        const peer = named(args);
        await (peer && execute(peer));
      }
    });
  };

  add(
    CommandIDs.connect,
    trans.__('Connect'),
    peer => peer.status === 'offline',
    peer =>
      orShowFailure(trans.__('%1 could not be connected', displayName(peer)), trans, () =>
        model.connect(peer.node_id)
      )
  );
  commands.addCommand(CommandIDs.connectTo, {
    label: trans.__('Connect to a Peer’s Address…'),
    caption: trans.__('Connect to a peer where it is now'),
    isEnabled: () => model.state.live,
    execute: () =>
      runForm({
        trans,
        title: trans.__('Connect to an address'),
        action: trans.__('Connect'),
        fields: React.createElement(TextField, {
          label: trans.__('Address of the peer'),
          name: 'address',
          placeholder: '192.168.1.20:9797',
          required: true,
          maxLength: 512
        }),
        task: ({ address }) => model.connectTo(address)
      })
  });
  add(
    CommandIDs.disconnect,
    trans.__('Disconnect'),
    peer => peer.status === 'connected' || peer.status === 'connecting',
    peer =>
      orShowFailure(trans.__('%1 could not be disconnected', displayName(peer)), trans, () =>
        model.disconnect(peer.node_id)
      )
  );
  add(
    CommandIDs.alias,
    trans.__('Rename…'),
    peer => peer.status !== 'blocked',
    peer =>
      runForm({
        trans,
        title: trans.__('Rename %1', displayName(peer)),
        action: trans.__('Rename'),
        fields: React.createElement(TextField, {
          label: trans.__('Your name for %1', peer.node_name),
          name: 'alias',
          maxLength: 64,
          placeholder: peer.node_name,
          defaultValue: peer.alias ?? ''
        }),
        task: ({ alias }) => model.setAlias(peer.node_id, alias || null)
      })
  );
  add(
    CommandIDs.block,
    trans.__('Block'),
    peer => peer.status !== 'blocked',
    peer =>
      orShowFailure(trans.__('%1 could not be blocked', displayName(peer)), trans, () =>
        model.block(peer.node_id)
      )
  );
  add(
    CommandIDs.unblock,
    trans.__('Unblock'),
    peer => peer.status === 'blocked',
    peer =>
      orShowFailure(trans.__('%1 could not be unblocked', displayName(peer)), trans, () =>
        model.unblock(peer.node_id)
      )
  );
  add(
    CommandIDs.forget,
    trans.__('Forget…'),
    () => true,
    async peer => {
      const name = displayName(peer);
      const agreed = await confirmLoss(
        trans,
        trans.__('Forget %1?', name),
        trans.__(
          'You stop sharing panes with %1. To connect again, the two of you have to pair again.',
          name
        ),
        trans.__('Forget')
      );
      if (agreed) {
        await orShowFailure(trans.__('%1 could not be forgotten', name), trans, () =>
          model.forget(peer.node_id)
        );
      }
    }
  );
}
