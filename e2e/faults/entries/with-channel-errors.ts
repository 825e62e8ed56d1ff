import { KeptChannel } from '@tocsin/publisher';
import type { ConfirmChannel } from 'amqplib';

// Runs an app. At each SIGUSR2 it makes, on each of its channels, a mistake for which the broker closes a channel. It
// writes `channels closed` when they are closed, and `channels back` when they have been replaced:
//   node with-channel-errors.js <the app's main.js>
const [main] = process.argv.slice(2);

const NEVER_DELIVERED = 2 ** 40;
const BACK_WITHIN_MS = 30_000;
const channels = new Set<KeptChannel>();

const attach = KeptChannel.prototype.attach;
KeptChannel.prototype.attach = function (live) {
  channels.add(this);
  attach.call(this, live);
};
process.on('SIGUSR2', () => {
  const closing = [...channels]
    .flatMap(({ current }) => current ?? [])
    .map((channel) => {
      const closed = new Promise((resolve) => channel.once('close', resolve));
      channel.ack({ fields: { deliveryTag: NEVER_DELIVERED } } as Parameters<ConfirmChannel['ack']>[0]);
      return closed;
    });
  void Promise.all(closing)
    .then(() => process.stdout.write('{"msg":"channels closed"}\n'))
    .then(() => Promise.all([...channels].map((channel) => channel.opened(BACK_WITHIN_MS))))
    .then(() => process.stdout.write('{"msg":"channels back"}\n'));
});
void import(main!);
