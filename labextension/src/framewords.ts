import { Words } from './viewerprotocol';

/** Translates a sentence and replaces `%1` in it; JupyterLab's bundles do. */
export interface ITranslate {
  __: (text: string, ...values: string[]) => string;
}

/** The few texts that the frame itself shows; the frame replaces `%1`. */
export function frameWords(trans: ITranslate): Words {
  // Without a value the translator would write "undefined".
  const open = '%1';
  return {
    blocked: trans.__('Not loaded, since a pane has no network: %1', open),
    local: trans.__('A file of the owner that was not sent: %1', open),
    cut: trans.__('%1 characters before this are not shown here', open),
    left: trans.__('%1 characters after this are not shown here', open),
    failed: trans.__('A script of this pane failed: %1', open),
    scriptError: trans.__('Javascript Error: %1', open),
    refused: trans.__('The owner did not accept your input: %1', open),
    noRenderer: trans.__('%1 cannot be shown here; this is its plain text', open),
    noRendererAlone: trans.__('%1 cannot be shown here', open),
    notDrawnAlone: trans.__('%1 could not be shown', open),
    notDrawn: trans.__('%1 could not be shown; this is its plain text', open),
    noModule: trans.__(
      'The widget module %1 is not part of jupyter-peer, and could not be had (%2); this is its plain text',
      open,
      '%2'
    ),
    noWidgets: trans.__('The code for widgets could not be loaded; this is their plain text'),
    readOnly: trans.__('You can view these widgets. Their owner has not let you use them.'),
    widgetUnknown: trans.__('The kernel of the owner knows no widget %1', open),
    nothing: trans.__('This pane shows nothing yet'),
    invisible: trans.__(
      'Nothing of this pane can be seen here. It may need what another cell has loaded.'
    )
  };
}
