import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { ChoiceField, runForm, TextField } from '../panel/dialog';
import { JoinPolicy } from '../shapes';
import { RoomsModel } from './model';

const MAX_NAME = 64;
const MAX_TOKEN = 128;

/** Enter a room that somebody has told of. */
export async function joinRoom(rooms: RoomsModel, trans: TranslationBundle): Promise<void> {
  await runForm({
    trans,
    title: trans.__('Join a room of peers'),
    action: trans.__('Join'),
    fields: (
      <>
        <TextField required label={trans.__('Name of the room')} name="name" maxLength={MAX_NAME} />
        <TextField
          label={trans.__('Token')}
          name="token"
          maxLength={MAX_TOKEN}
          placeholder={trans.__('if the room asks for one')}
        />
      </>
    ),
    task: ({ name, token }) => rooms.join(name, token || null)
  });
}

/**
 * Create a room.
 *
 * @param onToken - Receives the name of the room and its token, which is shown once.
 */
export async function createRoom(
  rooms: RoomsModel,
  trans: TranslationBundle,
  onToken: (room: string, token: string) => void
): Promise<void> {
  const made = await runForm({
    trans,
    title: trans.__('Create a room of peers'),
    action: trans.__('Create room'),
    fields: (
      <>
        <TextField required label={trans.__('Name of the room')} name="name" maxLength={MAX_NAME} />
        <ChoiceField
          label={trans.__('Who may join')}
          name="policy"
          defaultValue="open"
          choices={[
            ['open', trans.__('anybody who knows its name')],
            ['token', trans.__('anybody who has its token')],
            ['directory', trans.__('members of the directory')]
          ]}
        />
        <label className="jp-Peers-checkbox">
          <input type="checkbox" name="listed" />
          <span>{trans.__('List it for everybody at the lobby')}</span>
        </label>
      </>
    ),
    task: values => rooms.create(values.name, values.policy as JoinPolicy, Boolean(values.listed))
  });
  if (made?.token) {
    onToken(made.room.name, made.token);
  }
}
