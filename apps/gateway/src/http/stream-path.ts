/** The address of a topic, below any base path. It is a stream for GET alone: POST publishes there. */
export const TOPIC_PATH = String.raw`/api/v1/topics/[^/]+/events/?$`;

const STREAM_PATH = /\/api\/events\/?$/i;
const TOPIC_STREAM = new RegExp(TOPIC_PATH, 'i');

/** Whether a request is for a stream. `path`: without the query. */
export const isForStream = (method: string, path: string): boolean =>
  STREAM_PATH.test(path) || (method === 'GET' && TOPIC_STREAM.test(path));
