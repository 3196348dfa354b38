import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { TextField } from '../panel/dialog';
import { PeerError } from '../requests';
import { PairingModel } from './model';

/** Asks for the relay that a code needs, once the server has said that this node has none. */
export function RelayField(props: {
  error: PeerError | null;
  pairing: PairingModel;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { error, pairing, trans } = props;
  const [isAsked, setAsked] = React.useState(false);
  React.useEffect(() => {
    if (error?.code === 'not_enabled') {
      // Where the configuration rules it out, the error names the setting instead.
      void pairing.mayMeet().then(may => may && setAsked(true));
    }
  }, [error, pairing]);
  if (!isAsked) {
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
