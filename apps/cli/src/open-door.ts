import { ConfigurationError } from '@tocsin/settings';
import { topologyOf } from '@tocsin/rabbitmq';
import type { AlertDoor } from './alert-door';
import { UsageError } from './command';
import { gatewayUrl, isHttpUrl, type PublishConfig } from './config';
import { Credential } from './credential';
import { AmqpDoor } from './door.amqp';
import { HttpDoor } from './door.http';

/** The options with which `publish` and `demo` choose HTTP or AMQP. */
export const doorOptions = {
  url: {
    type: 'string',
    value: '<address>',
    about: 'Publish over HTTP to the gateway there. Default TOCSIN_URL, else http://localhost and PORT (8000).',
  },
  amqp: { type: 'boolean', about: 'Publish over AMQP to RABBITMQ_URL. That is the default when RABBITMQ_URL is set.' },
} as const;

/**
 * The door that the options and the environment choose. Nothing is opened yet. Throws `UsageError` and
 * `ConfigurationError`.
 */
export function openDoor({ url, amqp }: { url?: string; amqp?: boolean }, config: PublishConfig): AlertDoor {
  if (url !== undefined && amqp) throw new UsageError('--url publishes over HTTP and --amqp does not: choose one.');
  if (url !== undefined && !isHttpUrl(url)) throw new UsageError('--url is an http or https address.');
  if (amqp && !config.RABBITMQ_URL) throw new ConfigurationError(['RABBITMQ_URL is required to publish over AMQP.']);
  if (config.RABBITMQ_URL && url === undefined)
    return new AmqpDoor(config.RABBITMQ_URL, topologyOf(config.RABBITMQ_PREFIX).exchange);
  return new HttpDoor(url ?? gatewayUrl(config), new Credential(config, ['events:publish']));
}
