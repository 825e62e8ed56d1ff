import { hintOf, TOPIC_SERVICE, type Entry } from '@tocsin/contracts';
import { anEntry } from '@tocsin/contracts/testing';
import { EntryBatch } from './entry-batch';
import { topicDataOf } from './topic-data';
import { viewOf } from './view';

let seq = 0;
const hint = (more: Partial<Entry>) =>
  hintOf({
    epoch: 'e1',
    seq: ++seq,
    fp: 'abcdefgh',
    prev_fp: null,
    entry: anEntry({ seq, service: TOPIC_SERVICE, change: 'resolved', status: 'resolved', actor: null, ...more }),
  });
const event = (data: unknown) => hint({ metadata: { data } });
const view = viewOf({ severity: null, type: null, service: [TOPIC_SERVICE], labels: null }, 'topic');
const framesOf = (...hints: ReturnType<typeof hint>[]) => new EntryBatch(hints).framesFor(view).bytes.toString();

it.each([[{ msg: 'hello' }], ['two\nlines\u2028here'], [null], [0], [[]]])(
  'an event of a topic is a frame `message` with what was published: %j',
  (data) => {
    const frame = framesOf(event(data));
    const [name, line, id, ...rest] = frame.split('\n');
    expect([id!.startsWith('id: e1-'), name, rest]).toEqual([true, 'event: message', ['', '']]);
    expect(line!.startsWith('data: ')).toBe(true);
    expect(JSON.parse(line!.slice('data: '.length))).toEqual(data);
    expect(frame).not.toContain('\u2028');
  },
);

it('no other entry is in the stream of a topic: no alert, and no act of a person on an event', () => {
  const others = [
    hint({ service: 'inventory', metadata: { data: 1 } }),
    hint({ metadata: {} }),
    hint({ metadata: { data: 1 }, change: 'noted', actor: 'ana' }),
    hint({ metadata: { data: 1 }, change: 'resolved', actor: 'ana' }),
    hint({ metadata: { data: 1 }, change: 'reopened', status: 'firing', actor: 'ana' }),
    hint({ metadata: { data: 1 }, change: 'unsnoozed', status: 'firing' }),
  ];
  expect(others.map(topicDataOf)).toEqual(others.map(() => undefined));
  expect(framesOf(...others)).toBe('');
  expect(framesOf(...others, event('this one')).match(/^event: /gm)).toHaveLength(1);
});

it('the bodies for a stream with id lines of its own are the same', () => {
  const hints = [event(1), event({ two: 2 })];
  const bodies = new EntryBatch(hints).bodiesFor('topic').map(({ bytes }) => bytes.toString());
  expect(bodies).toEqual(['event: message\ndata: 1\n', 'event: message\ndata: {"two":2}\n']);
});
