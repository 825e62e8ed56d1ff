import type { InputError, MessageErrorCode, Severity, TenantId } from '@tocsin/contracts';
import type { AlertMessage } from './alert-message';

/** What the transport says about a message beside its body. Every field is optional and none is trusted. */
export interface Envelope {
  routing_key?: string;
  message_id?: string;
  /** Epoch seconds. */
  timestamp?: number;
  headers?: Readonly<Record<string, unknown>>;
  content_type?: string;
  /** The encoding of a compressed body. */
  content_encoding?: string;
  /**
   * Applies where the message has no tenant: a webhook's sender often cannot choose its fields, but can choose its
   * address.
   */
  tenant_id?: string;
  service?: string;
  severity?: Severity;
  /**
   * The maximum size of the published message, in bytes, for an intake that publishes it. A longer message is refused
   * there.
   */
  publishes_at_most?: number;
  /** The intake answers with the ids of the messages, so a sender can be told the key of its alert. */
  tells_key?: boolean;
  /** A message without a `dedup_key` gets its id as one, where the intake tells it to a sender that ends by key. */
  key_is_id?: boolean;
  /** The severity of an alert whose sender says that it has none (the label `severity: none`). Default `low`. */
  severity_none?: Severity;
}

/**
 * How to validate: `strict` where the sender reads the response (HTTP), `lenient` where a refusal would only mean that
 * no alert is shown (AMQP).
 */
export type Judgement = 'strict' | 'lenient';

export type ParsedMessage =
  | {
      ok: true;
      message: AlertMessage;
      /** Distinguishes a repetition of the same message from another message with the same id. */
      body_hash: string;
      /**
       * The producer's names that were renamed, and the unknown fields that were kept under `metadata`. For metrics.
       */
      understood: string[];
      unknown: string[];
    }
  | {
      ok: false;
      code: MessageErrorCode;
      errors: InputError[];
      /** The number of further errors. */
      more_errors?: number;
      tenant_id: TenantId | null;
      /** The refused part of a group alone, in a form that can be parsed again; undefined when it is the whole body. */
      bytes?: Uint8Array;
    };
