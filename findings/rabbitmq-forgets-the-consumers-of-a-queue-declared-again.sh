#!/usr/bin/env bash
# RabbitMQ 3.10.8 (Debian 12) with amqplib 2.3.1: a quorum queue is deleted, and declared again a moment later, as an
# operator does who changes its arguments. A reader would expect that its consumers are cancelled (the capability
# consumer_cancel_notify; amqplib then calls back with null), or that they go on with the new queue. Neither comes true:
#
# - RabbitMQ cancels the consumers some 30 ms after it has answered the deletion. Declared again before that, it never
#   cancels them.
# - It counts such a consumer as one of the new queue and assigns messages to it, which the client never gets. The queue
#   says that it has no message and one consumer, and basic.get finds it empty: no counter shows what is stuck.
# - When the consumer's channel is closed, the messages are there again, marked as redelivered.
#
# A classic queue declared again at once cancels its consumers. So leave a moment between deletion and declaration, and
# do not take the silence of a consumer for the quiet of its queue.
#
# Output seen (RabbitMQ 3.10.8-1.1+deb12u1, Erlang 25.2.3, Node 20.20.2):
#   quorum, declared at once: cancelled 0 of 5, delivered 0, in the queue 0, consumers 1, after the channel was closed 1 redelivered
#   quorum, declared 1000 ms later: cancelled 5 of 5
#   classic, declared at once: cancelled 5 of 5
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
folder=$(mktemp -d)
server=
mapper=
trap 'kill -- -${server:-0} 2>/dev/null || true; kill ${mapper:-} 2>/dev/null || true; sleep 1; rm -rf "$folder"' EXIT
cd "$folder"
erlang=$(printf 'erlang-%s=1:25.2.3+dfsg-1+deb12u4 ' asn1 base crypto eldap ftp inets mnesia os-mon parsetools public-key \
  runtime-tools snmp ssl syntax-tools tftp tools xmerl)
# shellcheck disable=SC2086
apt-get download -qq rabbitmq-server=3.10.8-1.1+deb12u1 $erlang >/dev/null 2>&1 ||
  { echo 'cannot be tried here: rabbitmq-server=3.10.8-1.1+deb12u1 is not to be had'; exit 2; }
for package in ./*.deb; do dpkg -x "$package" root; done
sed -i "s|ROOTDIR=/usr/lib/erlang|ROOTDIR=$folder/root/usr/lib/erlang|" root/usr/lib/erlang/erts-*/bin/erl
npm init -y >/dev/null 2>&1
npm install --silent --no-fund --no-audit amqplib@2.3.1 >/dev/null 2>&1 ||
  { echo 'cannot be tried here: amqplib@2.3.1 is not to be had'; exit 2; }

bin=$(echo "$folder"/root/usr/lib/erlang/erts-*/bin)
export PATH="$bin:$folder/root/usr/lib/erlang/bin:$PATH" ERL_EPMD_PORT=14369 HOME="$folder"
export RABBITMQ_NODENAME=finding@localhost RABBITMQ_NODE_PORT=15679 RABBITMQ_DIST_PORT=15680 \
  RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_MNESIA_BASE="$folder/data" RABBITMQ_LOG_BASE="$folder/log" \
  RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE="$folder/rabbitmq-env.conf" \
  RABBITMQ_ENABLED_PLUGINS_FILE="$folder/enabled_plugins"
echo 'disk_free_limit.absolute = 50MB' > rabbitmq.conf
: > rabbitmq-env.conf
echo '[].' > enabled_plugins
"$bin/epmd" -address 127.0.0.1 & mapper=$!
home=$(echo "$folder"/root/usr/lib/rabbitmq/lib/rabbitmq_server-*)
setsid "$home/sbin/rabbitmq-server" >server.log 2>&1 & server=$!

cat > finding.mjs <<'JS'
import { connect } from 'amqplib';
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const open = async () => {
  for (let n = 0; n < 300; n += 1) {
    try {
      return await connect('amqp://guest:guest@127.0.0.1:15679');
    } catch {
      await sleep(200);
    }
  }
  console.log('cannot be tried here: RabbitMQ did not start');
  process.exit(2);
};
const [ofConsumer, ofOperator] = [await open(), await open()];
const operator = await ofOperator.createConfirmChannel();

/** Five queues, one after the other: what their consumers and they themselves say after it. */
async function tried(type, afterMs) {
  const options = { durable: true, arguments: { 'x-queue-type': type } };
  const sums = { cancelled: 0, delivered: 0, ready: 0, consumers: 0, redelivered: 0 };
  for (let n = 0; n < 5; n += 1) {
    const queue = `${type}-${afterMs}-${n}`;
    const channel = await ofConsumer.createChannel();
    await channel.assertQueue(queue, options);
    await channel.consume(queue, (message) => {
      if (!message) return void (sums.cancelled += 1);
      sums.delivered += 1;
      channel.ack(message);
    });
    await operator.deleteQueue(queue);
    await sleep(afterMs);
    await operator.assertQueue(queue, options);
    operator.sendToQueue(queue, Buffer.from('x'), { persistent: true });
    await operator.waitForConfirms();
    await sleep(1_000);
    const { messageCount, consumerCount } = await operator.checkQueue(queue);
    sums.ready += messageCount;
    sums.consumers += consumerCount;
    await channel.close();
    await sleep(500);
    const message = await operator.get(queue, { noAck: true });
    if (message && message.fields.redelivered) sums.redelivered += 1;
  }
  return sums;
}

const [atOnce, later, classic] = [await tried('quorum', 0), await tried('quorum', 1_000), await tried('classic', 0)];
const each = (sum) => sum / 5;
console.log(
  `quorum, declared at once: cancelled ${atOnce.cancelled} of 5, delivered ${atOnce.delivered}, in the queue ` +
    `${each(atOnce.ready)}, consumers ${each(atOnce.consumers)}, after the channel was closed ` +
    `${each(atOnce.redelivered)} redelivered`,
);
console.log(`quorum, declared 1000 ms later: cancelled ${later.cancelled} of 5`);
console.log(`classic, declared at once: cancelled ${classic.cancelled} of 5`);
const { cancelled, delivered, ready, consumers, redelivered } = atOnce;
const isSo =
  cancelled === 0 && delivered === 0 && ready === 0 && consumers === 5 && redelivered === 5 &&
  later.cancelled === 5 && classic.cancelled === 5;
await Promise.all([ofConsumer.close(), ofOperator.close()]);
process.exit(isSo ? 0 : 1);
JS
node finding.mjs
