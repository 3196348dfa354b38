import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { linkIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IView } from '../context';
import { Section } from '../section';
import { CommandIDs, DOMAIN, IPeerSession, IPeersPanel, RANKS } from '../tokens';
import { makeLink } from './dialog';
import { LinkList } from './list';
import { LinksModel } from './model';

/** Guest links: made from a pane, and listed in the panel with who has them open. */
export const linksPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-peer:links',
  description: 'Links that open one output in any browser, for people without Jupyter.',
  autoStart: true,
  requires: [IPeerSession],
  optional: [IPeersPanel, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { control, model }: IPeerSession,
    panel: IPeersPanel | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const view: IView = { commands, model, trans };
    const links = new LinksModel(control);
    commands.addCommand(CommandIDs.link, {
      label: trans.__('Make a Link…'),
      caption: trans.__('Show this output to people without Jupyter, in any browser'),
      icon: linkIcon,
      isEnabled: () => model.state.live,
      execute: async ({ name }) => {
        const pane = model.state.panes.mine.find(each => each.name === name);
        if (typeof name === 'string') {
          await makeLink(view, links, name, pane?.title || name);
        }
      }
    });
    if (!panel) {
      return;
    }
    const section = new Section(trans.__('Links'), view, () => <LinkList links={links} />);
    const update = () => {
      const { length } = model.state.links;
      section.count = length;
      panel.showSection(section, RANKS.links, length > 0);
    };
    model.stateChanged.connect(update);
    update();
  }
};
