import { AlertMessage, LABEL_LIMITS, MAX_MESSAGE_BYTES, MessageAction } from '@tocsin/messages';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { ALERT_SCHEMAS } from '../alerts/alert-schemas';
import { ref, type Schema } from '../description/json-schema';

/** Schemas, by rule name, for rules that class-validator-jsonschema does not know or describes wrongly. */
const CONVERTERS = {
  isLabelMap: { type: 'object', additionalProperties: { type: 'string', maxLength: LABEL_LIMITS.value } },
  labelLimit: { maxProperties: LABEL_LIMITS.count, propertyNames: { maxLength: LABEL_LIMITS.key } },
  nestedValidation: () => ref('MessageAction'),
  // ISO 8601 allows more than JSON Schema's date-time: a time without a zone is UTC.
  isIso8601: { type: 'string' },
  isUrl: { type: 'string', format: 'uri' },
};

const schemaOf = (of: abstract new () => object): Schema =>
  targetConstructorToSchema(of as new () => object, {
    additionalConverters: CONVERTERS as never,
    refPointerPrefix: '#/components/schemas/',
  }) as Schema;

/** Fields that a parsed message always has but that a producer may leave out. Their defaults are in the class. */
const DEFAULTED = ['id', 'type', 'title', 'status', 'labels', 'actions', 'metadata', 'schema_version'];

/** Descriptions for producers. Other fields have the description of the entry's field. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  tenant_id: 'Whose alert it is.',
  service: "The service that raised the alert. Over AMQP the routing key's service takes precedence.",
  severity:
    "Over AMQP the higher of this and the routing key's. Other words for it are understood: critical, warning, info, P1 …",
  id: "The producer's own id, unique within tenant and service: sending the same message again under it is safe. Made when it is absent.",
  type: 'Default: alert.',
  name: 'What happened, as a slug: low_stock.',
  title: 'One line for people. Default: the name in words.',
  message: 'Text for people.',
  dedup_key:
    'Names the alert that this message is about, within tenant and service. Without it the message is an alert of its own.',
  status: 'Default: firing. resolved needs a dedup_key.',
  snapshot:
    "Default: false. True: the message reports the present state, as a poll or a state webhook does. It is compared with the alert's present state, and a repeat of it is a duplicate.",
  occurred_at:
    "The producer's clock: ISO 8601 (UTC where it names no zone), or epoch seconds or milliseconds. Needed with a dedup_key, unless it is a snapshot.",
  labels: 'Labels for filters, rules and grouping.',
  actions: 'Buttons beside the alert.',
  recipients:
    'The recipients, instead of those that the tenant has configured: e-mail addresses, phone numbers (E.164), http(s) addresses.',
  channels: 'The channels, instead of those for the severity.',
  metadata: 'Other data; at most 16 levels deep.',
  schema_version: 'Default: 1.',
};

/** The schema of a message as a producer sends it, derived from the class that validates it. */
function messageSchema(): Schema {
  const { properties = {}, required = [], ...rest } = schemaOf(AlertMessage);
  const described = Object.entries(properties).map(([name, schema]): [string, Schema] => [
    name,
    { ...schema, description: DESCRIPTIONS[name] ?? ALERT_SCHEMAS.Entry.properties?.[name]?.description ?? '' },
  ]);
  return {
    ...rest,
    description: `An alert as a service sends it: JSON, UTF-8, at most ${MAX_MESSAGE_BYTES} bytes.`,
    properties: {
      ...Object.fromEntries(described),
      occurred_at: {
        anyOf: [
          { type: 'string', format: 'date-time' },
          { type: 'number', minimum: 0, maximum: 4_102_444_800 },
        ],
        description: DESCRIPTIONS.occurred_at!,
      },
    },
    required: required.filter((name) => !DEFAULTED.includes(name)),
    allOf: [
      {
        if: { properties: { snapshot: { const: true } }, required: ['snapshot'] },
        else: { dependentRequired: { dedup_key: ['occurred_at'] } },
      },
      {
        if: { properties: { status: { const: 'resolved' } }, required: ['status'] },
        then: { required: ['dedup_key'] },
      },
    ],
    examples: [
      {
        id: 'stock-4711',
        tenant_id: 'north-bakery',
        service: 'inventory',
        severity: 'urgent',
        name: 'low_stock',
        message: 'Flour: 2 kg left',
        labels: { site: 'north' },
      },
    ],
  };
}

export const MESSAGE_SCHEMAS = {
  AlertMessage: messageSchema(),
  MessageAction: { ...schemaOf(MessageAction), description: 'A button: what it says, and where it leads.' },
} satisfies Record<string, Schema>;

/** The same for HTTP, where the sender reads the response: unknown fields are refused. */
export const STRICT_MESSAGE_SCHEMAS = {
  ...MESSAGE_SCHEMAS,
  AlertMessage: { ...MESSAGE_SCHEMAS.AlertMessage, additionalProperties: false },
} satisfies Record<string, Schema>;
