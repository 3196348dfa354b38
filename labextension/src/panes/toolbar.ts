import { Clipboard, Notification } from '@jupyterlab/apputils';
import { IOutput } from '@jupyterlab/nbformat';
import { TranslationBundle } from '@jupyterlab/translation';
import {
  checkIcon,
  copyIcon,
  LabIcon,
  launchIcon,
  pauseIcon,
  runIcon,
  saveIcon,
  ToolbarButton
} from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';
import { askIcon, fitIcon, pictureIcon } from '../icon';
import { PeerError } from '../requests';
import { CommandIDs } from '../tokens';
import { failureLine } from '../wording';
import { PaneDocument } from './document';
import { download, fileName, pictureBlob, pictureOf, textOf } from './saving';
import { openWindow } from './window';

/** Add what a person can do with a pane to the toolbar of its document. */
export function addTools(
  { content, toolbar }: PaneDocument,
  commands: CommandRegistry,
  baseUrl: string,
  trans: TranslationBundle
): void {
  const addSwitch = (
    name: string,
    looks: { off: [LabIcon, string]; on: [LabIcon, string] },
    property: 'isPaused' | 'isFitted'
  ) => {
    const button = new ToolbarButton({
      icon: looks.off[0],
      tooltip: looks.off[1],
      pressedIcon: looks.on[0],
      pressedTooltip: looks.on[1],
      onClick: () => {
        content[property] = !content[property];
        button.pressed = content[property];
      }
    });
    toolbar.addItem(name, button);
  };
  /** Add a button that works on what the pane shows now; a failure is shown. */
  const addTask = (
    name: string,
    icon: LabIcon,
    tooltip: string,
    task: (outputs: IOutput[]) => void
  ) => {
    const onClick = () => {
      content.feed
        .read()
        .then(task)
        .catch(reason => {
          Notification.warning(failureLine(PeerError.from(reason), trans));
        });
    };
    toolbar.addItem(name, new ToolbarButton({ icon, tooltip, onClick }));
  };

  addSwitch(
    'pause',
    {
      off: [pauseIcon, trans.__('Pause: keep what is shown now')],
      on: [runIcon, trans.__('Go on showing changes')]
    },
    'isPaused'
  );
  addSwitch(
    'fit',
    {
      off: [fitIcon, trans.__('Fit all of it into the tab')],
      on: [fitIcon, trans.__('Show it in its own size')]
    },
    'isFitted'
  );
  addTask('save-picture', pictureIcon, trans.__('Save the picture'), outputs => {
    const picture = pictureOf(outputs);
    if (!picture) {
      throw new PeerError({
        code: 'bad_request',
        message: trans.__('%1 shows no picture that can be saved', content.label),
        hint: trans.__('save its data instead')
      });
    }
    download(pictureBlob(picture), fileName(content.label, picture.extension));
  });
  addTask('save-data', saveIcon, trans.__('Save the data (outputs as JSON)'), outputs => {
    const text = JSON.stringify(outputs, null, 1);
    download(new Blob([text], { type: 'application/json' }), fileName(content.label, 'json'));
  });
  addTask('copy', copyIcon, trans.__('Copy the text'), outputs => {
    const text = textOf(outputs);
    if (!text) {
      throw new PeerError({
        code: 'bad_request',
        message: trans.__('%1 shows no text that can be copied', content.label),
        hint: trans.__('save its picture or its data instead')
      });
    }
    Clipboard.copyToSystem(text);
  });
  toolbar.addItem(
    'pop-out',
    new ToolbarButton({
      icon: launchIcon,
      tooltip: trans.__('Open in a window of its own'),
      onClick: () => openWindow(baseUrl, content)
    })
  );
  if (commands.hasCommand(CommandIDs.ask)) {
    toolbar.addItem(
      'ask',
      new ToolbarButton({
        icon: askIcon,
        tooltip: trans.__('Ask an agent of its owner'),
        onClick: () => void commands.execute(CommandIDs.ask, { peer: content.peer })
      })
    );
  }
  if (commands.hasCommand(CommandIDs.doctor)) {
    toolbar.addItem(
      'connection',
      new ToolbarButton({
        icon: checkIcon,
        tooltip: trans.__('Check the connection'),
        onClick: () => void commands.execute(CommandIDs.doctor, { peer: content.peer })
      })
    );
  }
}
