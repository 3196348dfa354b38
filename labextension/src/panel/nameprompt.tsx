import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useAction, useView } from '../context';
import { Failure } from '../section';

/** At first use: the name that peers will see, to confirm or to change. */
export function NamePrompt({ proposal }: { proposal: string }): React.ReactElement {
  const { model, trans } = useView();
  const { busy, error, run } = useAction();
  const [name, setName] = React.useState(proposal);
  const help = React.useId();
  return (
    <form
      className="jp-Peers-nameForm"
      onSubmit={event => {
        event.preventDefault();
        run(() => model.setName(name.trim()));
      }}
    >
      <label className="jp-Peers-nameLabel">
        <span id={help}>{trans.__('Your name, as peers will see it')}</span>
        <input
          className="jp-mod-styled"
          type="text"
          required
          pattern=".*\S.*"
          maxLength={64}
          spellCheck={false}
          value={name}
          onChange={event => setName(event.target.value)}
        />
      </label>
      <Button type="submit" className="jp-mod-styled jp-mod-accept" aria-disabled={busy}>
        {trans.__('Use this name')}
      </Button>
      <Failure error={error} trans={trans} />
    </form>
  );
}
