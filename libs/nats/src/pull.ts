import { createInbox, nanos, type Msg, type NatsConnection as Client } from '@nats-io/transport-node';
import { within } from '@tocsin/timing';

/** How long a request for messages lasts, in milliseconds. */
const EXPIRES_MS = 30_000;
/** A request that is silent for 2.5 of the server's heartbeats is lost. */
const HEARTBEAT_MS = 1_000;
const SILENT_AFTER_MS = 2_500;
/** How long messages that are on their way are waited for when a request is ended early. */
const DRAIN_WITHIN_MS = 2_000;
const HEARTBEAT = 100;
/** Nothing more comes of the request: no message is there, or its time is over. */
const OVER = [404, 408];

interface Pull {
  /** The subject of requests to the consumer. */
  subject: string;
  /** How many messages are wanted at most. */
  batch: number;
  /** Ends the request. What is on its way then still arrives. */
  signal: AbortSignal;
  /** Calls back when the connection is lost, and returns how to end that. */
  whenLost(tell: () => void): () => void;
  onMessage(raw: Msg): void;
  /** The server has answered. */
  onAnswer(): void;
  /** The server says that no message waits. */
  onNone?(): void;
}

/**
 * Asks a consumer once for up to `batch` messages, and hands each over as it comes. Resolves when all have come, when
 * the time of the request is over, or when it is aborted; nothing comes afterwards. Rejects when the consumer is gone
 * or the server is silent.
 *
 * The client's own `consume` asks for more without knowing what is still in hand, and its `fetch` drops what is on its
 * way when it is stopped.
 */
export async function pull(
  client: Client,
  { subject, batch, signal, whenLost, onMessage, onAnswer, onNone = () => undefined }: Pull,
): Promise<void> {
  let left = batch;
  let heardAt = performance.now();
  let end: (error?: Error) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => (end = (error) => (error ? reject(error) : resolve())));
  const inbox = createInbox();
  const replies = client.subscribe(inbox, {
    callback: (error, raw) => {
      if (error) return end(error);
      heardAt = performance.now();
      const status = raw.subject === inbox ? (raw.headers?.code ?? 0) : 0;
      if (status >= 300 && !OVER.includes(status)) return end(new Error(`${status} ${raw.headers!.description}`));
      onAnswer();
      if (status === HEARTBEAT || OVER.includes(status)) onNone();
      if (OVER.includes(status)) return end();
      if (status === HEARTBEAT) return;
      left -= 1;
      onMessage(raw);
      if (left === 0) end();
    },
  });
  const watch = setInterval(() => {
    if (performance.now() - heardAt > SILENT_AFTER_MS) end(new Error('the server is silent'));
  }, HEARTBEAT_MS / 2);
  let lost = false;
  const forget = whenLost(() => {
    lost = true;
    end(new Error('the connection was lost'));
  });
  const abort = () => end();
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (signal.aborted) return;
    client.publish(
      subject,
      JSON.stringify({ batch, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) }),
      { reply: inbox },
    );
    await ended;
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', abort);
    forget();
    if (left === 0 || lost || client.isClosed()) replies.unsubscribe();
    else
      await within(
        DRAIN_WITHIN_MS,
        replies.drain().catch(() => undefined),
        () => replies.unsubscribe(),
      );
  }
}
