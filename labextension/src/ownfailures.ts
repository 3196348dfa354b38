import { nullTranslator, TranslationBundle } from '@jupyterlab/translation';
import { IFailure } from './shapes';

/**
 * The failures that the page itself finds, where it has no translator.
 *
 * They are thrown in English, as those of the server, and `failureWords` translates them where they
 * are shown. `trans` marks their sentences for translators.
 */
function ownFailures(trans: TranslationBundle) {
  return {
    cancelled: { code: 'cancelled', message: trans.__('this was cancelled') },
    interrupted: {
      code: 'link_closed',
      message: trans.__('the connection to your Jupyter server is interrupted'),
      hint: trans.__('try again once it is back')
    },
    noExtension: {
      code: 'not_enabled',
      message: trans.__('the server extension jupyter_peer is not running'),
      hint: trans.__('run `jupyter server extension enable jupyter_peer` and start Jupyter again')
    },
    noLogin: {
      code: 'unauthorized',
      message: trans.__('your Jupyter server asks you to log in'),
      hint: trans.__('reload the page')
    },
    noServer: {
      code: 'no_server',
      message: trans.__('your Jupyter server does not answer'),
      hint: trans.__('check that it is still running')
    },
    paneNotOpen: {
      message: trans.__('the pane is not open'),
      hint: trans.__('open it again')
    },
    // Its parameter stands for itself, so that the sentence stays a template.
    status: {
      message: trans.__('your Jupyter server answered with status %1', '%1'),
      hint: trans.__('its log may say why')
    }
  };
}

export const OWN = ownFailures(nullTranslator.load('jupyter_peer'));

/** An answer of the server that is no success and names no error. */
export function badStatus(status: number): Partial<IFailure> {
  const { message: template, hint } = OWN.status;
  const message = template.replace('%1', String(status));
  return { message, hint, message_phrase: { template, params: [String(status)] } };
}
