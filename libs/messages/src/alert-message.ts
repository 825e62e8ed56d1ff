import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  Equals,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  MinLength,
  Validate,
  ValidateNested,
} from 'class-validator';
import {
  ALERT_TYPES,
  CHANNELS,
  MESSAGE_STATUSES,
  SEVERITIES,
  TENANT_ID_PATTERN,
  type AlertAction,
  type AlertMessageBody,
  type AlertType,
  type Channel,
  type MessageStatus,
  type Severity,
  type TenantId,
  type ValidMessage,
} from '@tocsin/contracts';
import { IsLabelMap, IsReadInstant, LabelLimit, MaxCharacters } from './field-rules';
import { asText } from './json-text';
import type { MessageField, MessageFields } from './message-fields';
import { asSaid } from './published-form';

/** A name. */
export const SLUG = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;
/** An id: blanks only inside. */
export const PRINTABLE_ASCII = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
/** Rejects text that consists of blanks only. */
const ONE_LINE = /^(?=[^]*\S)[^\r\n\t]*$/;

export const MAX_ACTIONS = 10;
export const MAX_RECIPIENTS = 100;

export class MessageAction implements AlertAction {
  @MinLength(1) @MaxCharacters(100) label!: string;
  @IsOptional()
  @IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false })
  @MaxCharacters(2000)
  url?: string;
  @IsOptional() @IsString() @MaxCharacters(100) name?: string;
}

/**
 * An alert message as the rest of Tocsin knows it: canonical names, within all limits, defaults filled in. This class
 * is the only declaration of the message; every other description is derived from it.
 */
export class AlertMessage implements ValidMessage {
  /** The tenant of the alert. */
  @Matches(TENANT_ID_PATTERN) tenant_id!: TenantId;
  /**
   * The service that sends the alert. The routing key's takes precedence over the body's, because the broker can
   * authorise it.
   */
  @Matches(/^[A-Za-z0-9._-]+$/) @MaxCharacters(64) service!: string;
  /** The higher one of the body's and the routing key's severity. */
  @IsIn(SEVERITIES) severity!: Severity;
  /**
   * The producer's id. With `tenant_id` and `service` it is the idempotency key. It is made on arrival when the message
   * gives none.
   */
  @Matches(PRINTABLE_ASCII) @MaxCharacters(200) id!: string;
  /** Default: the routing key's, else `alert`. */
  @IsIn(ALERT_TYPES) type!: AlertType;
  /** What happened, as a slug: `low_stock`. */
  @IsOptional() @Matches(SLUG) @MaxCharacters(100) name?: string;
  /** Default: the name in words, else the message's first line, else the service. */
  @MinLength(1) @MaxCharacters(300) @Matches(ONE_LINE) title!: string;
  @IsOptional() @IsString() @MaxCharacters(8000) message?: string;
  /**
   * Identifies the alert that this message belongs to, within tenant and service. Without it the message is an alert of
   * its own.
   */
  @IsOptional() @MinLength(1) @MaxCharacters(200) @Matches(ONE_LINE) dedup_key?: string;
  /** Default `firing`. `resolved` needs a `dedup_key`. */
  @IsIn(MESSAGE_STATUSES) status!: MessageStatus;
  /**
   * The message describes the present state, not a change at a certain time: it is compared with the alert as it is,
   * and no clocks are compared. Default false.
   */
  @IsOptional() @IsBoolean() snapshot?: boolean;
  /**
   * The producer's clock: ISO 8601 in UTC with milliseconds. Required with a `dedup_key`, unless it is a `snapshot`.
   */
  @IsOptional() @IsReadInstant() occurred_at?: string;
  /** The labels that filters, rules and grouping match on. Default none. */
  @Validate(IsLabelMap) @Validate(LabelLimit) labels!: Record<string, string>;
  @IsArray()
  @ArrayMaxSize(MAX_ACTIONS)
  @ValidateNested({ each: true })
  @Type(() => MessageAction)
  actions!: AlertAction[];
  /**
   * The recipients, in place of those that the tenant has configured: e-mail addresses, phone numbers (E.164), http(s)
   * addresses.
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_RECIPIENTS)
  @IsString({ each: true })
  @MaxCharacters(320, { each: true })
  recipients?: string[];
  /** The channels, in place of those that the severity selects. */
  @IsOptional() @IsArray() @IsIn(CHANNELS, { each: true }) channels?: Channel[];
  /** Further data of the producer, at most 16 levels deep. */
  @IsObject() metadata!: Record<string, unknown>;
  @Equals(1) schema_version!: 1;
  /**
   * The fields that the message left out and that got a default. A field that was left out changes nothing of an alert.
   * If `occurred_at` is among them, it is the transport's time and is not compared with other times. Absent: no field
   * got a default.
   */
  assumed?: readonly MessageField[];

  /**
   * The message as it is sent on, without the defaults: a default that is written out would look like the producer's
   * word.
   */
  toJSON(): AlertMessageBody {
    return asSaid(this);
  }
}

/** Fields that have a default. Other fields with a default are noted where they are filled in. */
export const ASSUMED_FIELDS = [
  'type',
  'title',
  'status',
  'labels',
  'actions',
  'metadata',
  'schema_version',
] as const satisfies readonly MessageField[];

/** The fields of a message, with its defaults filled in. */
export const withDefaults = (fields: MessageFields): MessageFields => ({
  ...fields,
  type: fields.type ?? 'alert',
  title: fields.title ?? titleFor(fields),
  status: fields.status ?? 'firing',
  labels: fields.labels ?? {},
  actions: fields.actions ?? [],
  metadata: fields.metadata ?? {},
  schema_version: fields.schema_version ?? 1,
});

function titleFor({ name, message, service }: MessageFields): string {
  const words = typeof name === 'string' ? name.replace(/[._:/-]+/g, ' ').trim() : '';
  if (words) return words.charAt(0).toUpperCase() + words.slice(1);
  const line =
    typeof message === 'string'
      ? message
          .trim()
          .split(/[\r\n]/, 1)[0]!
          .replaceAll('\t', ' ')
          .slice(0, 300)
          .toWellFormed()
          .trim()
      : '';
  return line || `Alert from ${asText(service)}`;
}
