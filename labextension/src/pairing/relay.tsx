import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { TextField } from '../panel/dialog';
import { PeerError } from '../requests';

/** Asks for the relay that a code needs, once the server has said that this node has none. */
export function RelayField(props: {
  error: PeerError | null;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { error, trans } = props;
  const isMissing = React.useRef(false);
  isMissing.current ||= error?.code === 'not_enabled';
  if (!isMissing.current) {
    return null;
  }
  return (
    <TextField
      label={trans.__('URL of a relay for both of you. Peers reach you by it from then on')}
      name="relay"
      required
      maxLength={512}
      placeholder="wss://relay.example"
    />
  );
}
