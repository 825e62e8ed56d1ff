import * as http from 'node:http';
import * as https from 'node:https';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** An answer to a request for a stream. Its body has not been read. */
export interface Opened {
  response: http.IncomingMessage;
  /** When the request was sent and when the head came, in epoch milliseconds. */
  sentAtMs: number;
  headAtMs: number;
}

interface StreamRequest {
  token: string;
  /** Where the stream continues. */
  cursor?: string | undefined;
  /** Ends the stream. */
  signal: AbortSignal;
  /** How long the head may take, in milliseconds. */
  headTimeoutMs: number;
}

/** Asks for a stream. Rejects when there is no head in time; any status is an answer. No redirect is followed. */
export function openStream(target: URL, { token, cursor, signal, headTimeoutMs }: StreamRequest): Promise<Opened> {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'text/event-stream',
    ...(cursor === undefined ? {} : { 'last-event-id': cursor }),
  };
  const { request } = target.protocol === 'https:' ? https : http;
  const sentAtMs = Date.now();
  return new Promise((resolve, reject) => {
    const sending = request(target, { headers, agent: false, signal }, (response) => {
      clearTimeout(timeout);
      resolve({ response, sentAtMs, headAtMs: Date.now() });
    });
    const timeout = setTimeout(() => sending.destroy(new HeadTimeout(headTimeoutMs)), headTimeoutMs);
    sending.on('error', (error) => {
      clearTimeout(timeout);
      reject(error);
    });
    sending.end();
  });
}

/** No head of a response came in time, although there was a connection. */
export class HeadTimeout extends Error {
  constructor(afterMs: number) {
    super(`no answer within ${afterMs / 1_000} s`);
    this.name = 'HeadTimeout';
  }
}

export type Frame = Required<Pick<EventSourceMessage, 'data'>> & { id?: string | undefined; event: string };

/** The frames of a stream, as they arrive. Ends when the stream does, in whatever way. */
export async function* framesOf(response: http.IncomingMessage): AsyncGenerator<Frame> {
  const arrived: Frame[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => void arrived.push({ id, event: event ?? 'message', data }),
  });
  const text = new TextDecoder();
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      parser.feed(text.decode(chunk, { stream: true }));
      yield* arrived.splice(0);
    }
  } catch {
    // a stream that is cut has ended
  }
}
