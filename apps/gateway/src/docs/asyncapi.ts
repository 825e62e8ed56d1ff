import { ALERT_TYPES, SEVERITIES, STREAM_EVENTS, type StreamEvent } from '@tocsin/contracts';
import { ALERT_SCHEMAS } from '../alerts/alert-schemas';
import { ref, type Schema } from '../description/json-schema';
import { FRAME_SCHEMAS } from '../frames/frame-schemas';
import { MESSAGE_SCHEMAS } from './message-schema';

/** What producers know about the broker. No app imports the adapter that declares it; a test compares the two. */
const EXCHANGE = 'alerts.exchange';
const URGENT_PATTERN = '*.urgent.#';

/** When each SSE event is sent, and what its data is. The compiler reports a missing event. */
const FRAMES: Readonly<Record<StreamEvent, { summary: string; data: string }>> = {
  connection: { summary: 'First: where each tenant begins, and whether anything was missed.', data: 'ConnectionFrame' },
  inventory_alert: {
    summary: 'An alert of service inventory is raised, re-opened or raised in severity.',
    data: 'Entry',
  },
  notification: {
    summary: 'The same for any other service, and for recommendations and notifications: see type and severity.',
    data: 'Entry',
  },
  alert_update: { summary: 'An alert was acknowledged, resolved, repeated or edited.', data: 'Entry' },
  heartbeat: {
    summary: 'Every heartbeat_ms: the stream is alive, and how current its data is.',
    data: 'HeartbeatFrame',
  },
  reset: {
    summary: "A tenant's history was replaced, or too much was missed: load the present state.",
    data: 'ResetFrame',
  },
  close: { summary: 'Last: why the stream ends, and what to do.', data: 'CloseFrame' },
};

/** The frames that hold no entry. */
const CONTROL_EVENTS = STREAM_EVENTS.filter((event) => FRAMES[event].data !== 'Entry');

interface Message {
  name: string;
  title: string;
  summary: string;
  contentType: 'application/json';
  payload: Schema;
  headers?: Schema;
}
interface Reference {
  $ref: string;
}
interface Channel {
  address: string;
  title: string;
  description: string;
  servers: readonly Reference[];
  messages: Record<string, Reference>;
  parameters?: Record<string, { description: string; enum?: readonly string[] }>;
  bindings?: Readonly<Record<string, unknown>>;
}
export interface AsyncApi {
  asyncapi: '3.0.0';
  info: { title: string; version: string; description: string; license: { name: string } };
  defaultContentType: 'application/json';
  servers: Record<string, { host: string; protocol: string; description: string; pathname?: string }>;
  channels: Record<string, Channel>;
  operations: Record<
    string,
    { action: 'send' | 'receive'; channel: Reference; summary: string; messages: readonly Reference[] }
  >;
  components: { messages: Record<string, Message>; schemas: Record<string, Schema> };
}

/** An AsyncAPI 3.0 document of what Tocsin receives over AMQP and sends in streams. */
export function asyncApi(version: string, basePath = ''): AsyncApi {
  const frames = STREAM_EVENTS.map((event): [string, Message] => [
    event,
    {
      name: event,
      title: event,
      summary: FRAMES[event].summary,
      contentType: 'application/json',
      payload: ref(FRAMES[event].data),
    },
  ]);
  const alert: Message = {
    name: 'alert',
    title: 'An alert message',
    summary: 'The body alone decides; no content type, delivery mode or header is required.',
    contentType: 'application/json',
    headers: { type: 'object', properties: { traceparent: { type: 'string', description: 'W3C trace context.' } } },
    payload: ref('AlertMessage'),
  };
  const topicEvent: Message = {
    name: 'message',
    title: 'An event of a topic',
    summary: 'What was published to the topic.',
    contentType: 'application/json',
    payload: { description: 'Any JSON.' },
  };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Tocsin',
      version,
      description: 'Alerts in over AMQP, out as Server-Sent Events. Everything else is at /docs.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      rabbitmq: { host: 'localhost:5672', protocol: 'amqp', description: 'RabbitMQ: RABBITMQ_URL.' },
      gateway: { host: 'localhost:8000', protocol: 'http', description: 'The gateway: PORT.' },
    },
    channels: {
      alerts: {
        address: '{type}.{severity}.{service}',
        title: `The exchange ${EXCHANGE}`,
        description: `A durable topic exchange without arguments, which every producer may declare. A message with any other routing key is judged by its body alone. ${URGENT_PATTERN} has a lane of its own.`,
        servers: [{ $ref: '#/servers/rabbitmq' }],
        parameters: {
          type: { description: 'The type of the message.', enum: ALERT_TYPES },
          severity: { description: "The severity. The higher of the key's and the body's counts.", enum: SEVERITIES },
          service: {
            description:
              "The service that raised the alert. It takes precedence over the body's, since the broker can authorise it.",
          },
        },
        messages: { alert: { $ref: '#/components/messages/alert' } },
        bindings: {
          amqp: {
            is: 'routingKey',
            exchange: { name: EXCHANGE, type: 'topic', durable: true, autoDelete: false, vhost: '/' },
            bindingVersion: '0.3.0',
          },
        },
      },
      stream: {
        address: `${basePath}/api/events`,
        title: 'The event stream',
        description:
          'Server-Sent Events: each message is a frame with its name as event, its payload as data, and the position of the stream as id. Credentials, filters and cursors are described at /docs.',
        servers: [{ $ref: '#/servers/gateway' }],
        messages: Object.fromEntries(STREAM_EVENTS.map((event) => [event, { $ref: `#/components/messages/${event}` }])),
        bindings: { http: { bindingVersion: '0.3.0' } },
      },
      topic: {
        address: `${basePath}/api/v1/topics/{id}/events`,
        title: 'The event stream of a topic',
        description:
          'Server-Sent Events, as in the event stream: each frame message holds what was published to the topic, and the other frames and the position are the same.',
        servers: [{ $ref: '#/servers/gateway' }],
        parameters: { id: { description: 'The topic: a tenant.' } },
        messages: Object.fromEntries(
          ['message', ...CONTROL_EVENTS].map((event) => [event, { $ref: `#/components/messages/${event}` }]),
        ),
        bindings: { http: { bindingVersion: '0.3.0' } },
      },
    },
    operations: {
      takeAlerts: {
        action: 'receive',
        channel: { $ref: '#/channels/alerts' },
        summary: 'Services publish alerts.',
        messages: [{ $ref: '#/channels/alerts/messages/alert' }],
      },
      streamEvents: {
        action: 'send',
        channel: { $ref: '#/channels/stream' },
        summary: 'Clients receive them.',
        messages: STREAM_EVENTS.map((event) => ({ $ref: `#/channels/stream/messages/${event}` })),
      },
      streamTopic: {
        action: 'send',
        channel: { $ref: '#/channels/topic' },
        summary: 'Clients receive the events of a topic.',
        messages: ['message', ...CONTROL_EVENTS].map((event) => ({ $ref: `#/channels/topic/messages/${event}` })),
      },
    },
    components: {
      messages: { alert, message: topicEvent, ...Object.fromEntries(frames) },
      schemas: {
        ...MESSAGE_SCHEMAS,
        AlertAction: ALERT_SCHEMAS.AlertAction,
        Entry: ALERT_SCHEMAS.Entry,
        ...FRAME_SCHEMAS,
      },
    },
  };
}
