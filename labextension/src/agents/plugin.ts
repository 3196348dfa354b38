import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { DOMAIN, IPeerSession } from '../tokens';
import { askForApprovals } from './approvals';
import { ApprovalsModel } from './model';

/**
 * The question before an agent of this node uses a tool that changes something.
 *
 * Without this plugin the server knows of no page in which it could ask, and refuses such calls.
 */
export const agentsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:agents',
  description: 'Asks before an agent uses a tool that changes something.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    { control }: IPeerSession,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    askForApprovals(new ApprovalsModel(control), trans);
  }
};
