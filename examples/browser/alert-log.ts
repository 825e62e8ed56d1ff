// Uses the core of @tocsin/react-client without React and collects everything that a stream tells in `window.log`. The
// token comes from your own server, here from `/token`.
import { createAlertStream } from '@tocsin/react-client/core';

const stream = createAlertStream({ token: () => fetch('/token').then((answer) => answer.text()) });
const log = {
  stream,
  heard: [] as { seq: number; event_id: string; notify: boolean; replayed: boolean }[],
  states: [] as string[],
};
Object.assign(window, { log });

stream.on('entry', ({ seq, event_id }, { notify, replayed }) => log.heard.push({ seq, event_id, notify, replayed }));
stream.subscribe(() => log.states.at(-1) !== stream.status.state && log.states.push(stream.status.state));
stream.open();
