import { jsonLine, TOPIC_SERVICE, type Entry, type Hint } from '@tocsin/contracts';

const read = new WeakMap<Hint, { data: Buffer | undefined }>();

/**
 * What was published to a topic, as one line of JSON; undefined for an entry of anything else. An act of a person on
 * such an entry is not a second event of the topic. Parsed once for all streams.
 */
export function topicDataOf(hint: Hint): Buffer | undefined {
  if (hint.filter.service !== TOPIC_SERVICE) return undefined;
  let known = read.get(hint);
  if (!known) {
    const { change, actor, metadata } = JSON.parse(hint.data!.toString()) as Entry;
    const isEvent = change === 'resolved' && actor === null && Object.hasOwn(metadata, 'data');
    known = { data: isEvent ? Buffer.from(jsonLine(metadata['data'])) : undefined };
    read.set(hint, known);
  }
  return known.data;
}
