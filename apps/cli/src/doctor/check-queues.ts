import { found, type Checked, type Finding } from './findings';

/** A queue that processors consume, as the broker describes it; `state` is null when there is none. */
interface QueueState {
  queue: string;
  state: { messages: number; consumers: number } | null;
}

/** So many messages wait only when processors do not follow. */
const BACKLOG = 10_000;

/**
 * Whether every queue is there, is consumed, and empties. `states`: what the broker says; undefined without its
 * address.
 */
export async function checkQueues(states: (() => Promise<QueueState[]>) | undefined): Promise<Checked> {
  if (!states) return { check: 'queues', skipped: 'RABBITMQ_URL is not set', findings: [] };
  let queues: QueueState[];
  try {
    queues = await states();
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    return { check: 'queues', findings: [found('broker_unreachable', `RabbitMQ does not answer (${code ?? name}).`)] };
  }
  return { check: 'queues', seen: `${queues.length} queues, each with a consumer`, findings: queues.flatMap(judge) };
}

function judge({ queue, state }: QueueState): Finding[] {
  if (!state) return [found('queue_missing', `There is no queue ${queue}.`)];
  const { consumers, messages } = state;
  return [
    ...(consumers === 0
      ? [found('queue_without_consumer', `Nothing takes messages from ${queue}, where ${messages} wait.`)]
      : []),
    ...(messages > BACKLOG ? [found('backlog', `${messages} messages wait in ${queue}.`)] : []),
  ];
}
