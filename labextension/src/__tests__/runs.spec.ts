import { INotebookTracker } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { expect, it } from 'vitest';
import { CellRuns, ICellQuestion } from '../sharing/runs';

/** A notebook whose kernel says what the test says. */
function notebook() {
  const kernel = { id: 'k' } as Record<string, unknown>;
  const any = (kernel.anyMessage = new Signal<unknown, unknown>(kernel));
  const iopub = (kernel.iopubMessage = new Signal<unknown, unknown>(kernel));
  const status = (kernel.statusChanged = new Signal<unknown, string>(kernel));
  const sessionContext = {
    session: { kernel },
    kernelChanged: new Signal<unknown, unknown>({})
  };
  const panel = { context: { localPath: 'a.ipynb', sessionContext } };
  const tracker = {
    widgetAdded: new Signal<unknown, unknown>({}),
    forEach: (take: (each: unknown) => void) => take(panel)
  };
  const asked: (string | null)[] = [];
  const runs = new CellRuns(tracker as unknown as INotebookTracker);
  runs.asked.connect((_, { prompt }: ICellQuestion) => asked.push(prompt));
  const message = (msg_type: string, parent: string, content: unknown) => ({
    header: { msg_type, msg_id: 'm' },
    parent_header: { msg_id: parent },
    metadata: {},
    content
  });
  return {
    runs,
    asked,
    ask: () => {
      const msg = message('input_request', 'run', { prompt: 'Password: ', password: true });
      any.emit({ msg, direction: 'recv' });
    },
    answer: () =>
      any.emit({ msg: message('input_reply', 'm', { value: 'secret' }), direction: 'send' }),
    idle: (parent: string) => iopub.emit(message('status', parent, { execution_state: 'idle' })),
    restart: () => status.emit('restarting')
  };
}

it('tells what a cell asks its owner, and that it has the answer but not which', () => {
  const { runs, asked, ask, answer, idle } = notebook();
  ask();
  expect(runs.question('k')).toEqual({ kernelId: 'k', request: 'run', prompt: 'Password: ' });
  idle('another');
  expect(asked).toEqual(['Password: ']);
  answer();
  answer();
  expect(asked).toEqual(['Password: ', null]);
  expect(runs.question('k')).toBeUndefined();
});

it.each(['interrupt', 'restart'])('forgets what a cell asked at an %s', how => {
  const { runs, asked, ask, idle, restart } = notebook();
  ask();
  if (how === 'restart') {
    restart();
  } else {
    idle('run');
  }
  expect(asked).toEqual(['Password: ', null]);
  expect(runs.question('k')).toBeUndefined();
});
