import { readSettings } from '@tocsin/settings';
import { rabbitSettings } from './settings';

const read = (RABBITMQ_URL: string) => readSettings(rabbitSettings, { RABBITMQ_URL }).RABBITMQ_URL;

test.each(['amqp://u:p@h', 'amqps://u:p@h1:5671/v,amqps://u:p@h2:5671/v', 'amqp://u:a,b@h1, amqp://h2'])(
  '%s is an address',
  (url) => expect(read(url)).toBe(url),
);

test.each(['http://u:hush@h', 'amqp://h1,h2:5672', 'amqp://h1,http://u:hush@h2', 'h1'])(
  '%s is none, and is not shown',
  (url) => {
    expect(() => read(url)).toThrow(/^RABBITMQ_URL is not valid/);
    expect(() => read(url)).not.toThrow(/hush/);
  },
);
