import { MAX_MESSAGE_BYTES, readMessage, type Envelope, type Judgement, type ParsedMessage } from './alert-message';
import { decodeBody } from './decode-body';
import type { InputError } from './errors';
import { readCloudEvent } from './shapes/cloud-event';
import type { MessagePart, MessageShape } from './shapes/message-part';
import { readPagerDutyEvent } from './shapes/pagerduty-event';
import { readPrometheusAlerts } from './shapes/prometheus-alerts';
import { tenantIdOf } from './tenant';

/** The shapes of other systems, each with marks that nothing else has. */
const SHAPES = [readCloudEvent, readPrometheusAlerts, readPagerDutyEvent] as const;

/** What one body of a queue or a request holds. */
export interface ReadBody {
  /** As understood, in the order in which they stand in the body; at least one. Pointers are into the body. */
  messages: ParsedMessage[];
  /** Whose shape it has; undefined for our own. */
  shape?: MessageShape['name'];
  /** Whether its sender is a webhook: nobody reads the answer. */
  webhook: boolean;
}

/**
 * `parseAlertMessage` for whatever may come: a message of ours, a CloudEvent, a webhook of Alertmanager or Grafana, an
 * event of PagerDuty. Each message within is judged on its own. Never throws.
 */
export function parseMessages(bytes: Uint8Array, envelope: Envelope = {}, judgement: Judgement = 'lenient'): ReadBody {
  const decoded = decodeBody(bytes, MAX_MESSAGE_BYTES);
  if (decoded.ok) return readMessages(decoded.value, envelope, judgement, bytes);
  const { code, detail } = decoded;
  return { messages: [{ ok: false, code, errors: [{ code, detail }], tenant_id: null }], webhook: false };
}

/** The same for one value of a decoded batch. */
export function readMessages(value: unknown, envelope: Envelope, judgement: Judgement, bytes: Uint8Array): ReadBody {
  const shape = shapeOf(value, envelope.headers);
  if (!shape) return { messages: [readMessage(value, envelope, judgement, bytes)], webhook: false };
  const { name, webhook, parts, defaults } = shape;
  const told: Envelope = {
    ...envelope,
    service: envelope.service ?? defaults.service,
    severity: envelope.severity ?? defaults.severity,
    // the transport's id is that of the whole
    ...(parts.length > 1 && { message_id: undefined }),
  };
  const messages = parts.map((part) => {
    if (part.refusal) return refused(part, part.refusal);
    const own = parts.length > 1 ? Buffer.from(JSON.stringify(part.body)) : bytes;
    return located(readMessage(part.body, told, webhook ? 'lenient' : judgement, own), part);
  });
  return { messages, shape: name, webhook };
}

function shapeOf(value: unknown, headers: Envelope['headers']): MessageShape | undefined {
  for (const read of SHAPES) {
    const shape = read(value, headers);
    if (shape) return shape;
  }
  return undefined;
}

const refused = ({ at, body }: MessagePart, { pointer, detail }: { pointer: string; detail: string }): ParsedMessage => ({
  ok: false, code: 'invalid_field', errors: [{ pointer: `${at}${pointer}`, code: 'invalid_field', detail }], tenant_id: tenantIdOf(body.tenant_id),
});

/** A refusal points into what was sent. */
function located(parsed: ParsedMessage, { at, pointers }: MessagePart): ParsedMessage {
  if (parsed.ok) return parsed;
  const errors = parsed.errors.map((error): InputError => {
    const [, name = '', rest = ''] = /^\/([^/]*)(.*)$/.exec(error.pointer ?? '') ?? [];
    return { ...error, pointer: `${at}${Object.hasOwn(pointers, name) ? `${pointers[name]!}${rest}` : (error.pointer ?? '')}` };
  });
  return { ...parsed, errors };
}
