import { AckPolicy, jetstream } from '@nats-io/jetstream';
import { headers as newHeaders } from '@nats-io/transport-node';
import { Unavailable } from '@tocsin/contracts';
import type { Delivery, ReceivedMessage } from '@tocsin/contracts/ports';
import {
  anAlert,
  describeAlertIntake,
  describeQueueDepths,
  eventually,
  ListenerByHand,
} from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { parseAlertMessage } from '@tocsin/messages';
import { describeAlertSource } from '@tocsin/messages/testing';
import { NatsIntake, NatsRawIntake } from './alert-intake.nats';
import type { NatsDelivery } from './in-hand';
import { CONSUMER } from './nats-streams';
import { NatsQueueDepths } from './queue-depths.nats';
import type { Disagreement } from './stuck';
import { describeWithNats, natsUrl, OwnNats } from './testing';

describeWithNats('NATS', () => {
  describeAlertSource('NATS JetStream', {
    async open() {
      const nats = await OwnNats.open();
      return { intake: nats.intake, source: async () => nats.source(), close: () => nats.close() };
    },
  });

  describeAlertIntake('NATS JetStream', {
    async open(messages) {
      const nats = await OwnNats.open();
      const queue = await bounded(nats, messages);
      return {
        intake: new NatsIntake(queue),
        raw: new NatsRawIntake(queue),
        async drain() {
          const taken = await nats.take('common');
          for (const { reply } of taken) await nats.plain.request(reply!, '+ACK');
          return taken.map(({ data }) => idOf(Buffer.from(data)));
        },
        close: () => nats.close(),
      };
    },
    async away() {
      const nats = await OwnNats.openBus();
      const queue = nats.queueAt('nats://127.0.0.1:1');
      return { intake: new NatsIntake(queue), raw: new NatsRawIntake(queue), close: () => nats.close() };
    },
  });

  describeQueueDepths('NATS JetStream', {
    async open() {
      const nats = await OwnNats.open();
      await nats.queue.streams.prepare();
      const depths = new NatsQueueDepths(nats.queue.streams);
      return { depths, intake: nats.intake, source: async () => nats.source(), close: () => nats.close() };
    },
    includesInHand: true,
    knowsAge: true,
    isBounded: true,
  });

  describe('the queue in NATS JetStream', () => {
    let nats: OwnNats;
    beforeEach(async () => (nats = await OwnNats.open()));
    afterEach(() => nats?.close());

    /** Takes the waiting messages as a process that is killed before it settles them. */
    const takeAndDie = async (kind: 'common' | 'suspects') => (await nats.take(kind)).length;
    /** What is in no hand any more, and not acknowledged. */
    const pending = async () => {
      const { num_ack_pending, num_pending } = await nats.manager.consumers.info(
        nats.queue.streams.name('common'),
        CONSUMER,
      );
      return { num_ack_pending, num_pending };
    };

    it('delivers what a dead consumer held to another, and counts that it came back', async () => {
      await nats.intake.publish([anAlert({ severity: 'low' }), anAlert({ severity: 'low' })]);
      expect(await takeAndDie('common')).toBe(2);
      const seen: Delivery[] = [];
      await nats.source().consume(settle((delivery) => seen.push(delivery)));
      await eventually(() => expect(seen).toHaveLength(2));
      expect(seen).toMatchObject([
        { returns: 1, message: { redelivered: true } },
        { returns: 1, message: { redelivered: true } },
      ]);
      await eventually(async () => expect(await nats.lengthOf('common')).toBe(0));
    });

    it('does not surely disagree about a message that a consumer holds for long, while others come and go', async () => {
      await nats.intake.publish([anAlert({ severity: 'low' })]);
      const holding = new ListenerByHand();
      const holder = nats.source();
      await holder.consume(({ kind }) => (kind === 'common' ? holding : new ListenerByHand()));
      await eventually(() => expect(holding.deliveries).toHaveLength(1));
      await holder.cancel(); // it keeps what it has, and asks for nothing more
      let settled = 0;
      await nats.source().consume(settle(() => (settled += 1)));
      let ended = false;
      const traffic = (async () => {
        while (!ended) await nats.intake.publish(Array.from({ length: 5 }, () => anAlert({ severity: 'low' })));
      })();
      await eventually(() => expect(settled).toBeGreaterThan(50));
      const [before, found] = [settled, [] as (Disagreement | undefined)[]];
      while (found.length < 100) found.push(await nats.queue.streams.disagreementIn('common'));
      ended = true;
      await traffic;
      expect(settled).toBeGreaterThan(before);
      expect(found.filter((one) => one?.isSure)).toEqual([]);
    });

    it('leaves to a living consumer what it holds for longer than that time', async () => {
      await nats.intake.publish([anAlert({ severity: 'low' })]);
      const holding = new ListenerByHand();
      await nats.source().consume(({ kind }) => (kind === 'common' ? holding : new ListenerByHand()));
      await eventually(() => expect(holding.deliveries).toHaveLength(1));
      const since = performance.now();
      const other: Delivery[] = [];
      await nats.source().consume(settle((delivery) => other.push(delivery)));
      await eventually(() => expect(performance.now() - since).toBeGreaterThan(2 * nats.queue.streams.takeOverAfterMs));
      expect([holding.deliveries.length, other]).toEqual([1, []]);
      holding.session.acknowledge(holding.deliveries[0]!);
      await eventually(async () => expect(await nats.lengthOf('common')).toBe(0));
    });

    it('does not count what is given back, however often, also not at a stop', async () => {
      const message = anAlert({ severity: 'low' });
      await nats.intake.publish([message]);
      const seen: Delivery[] = [];
      const source = nats.source();
      await source.consume(
        () =>
          new ListenerByHand((delivery, session) => {
            seen.push(delivery);
            if (seen.length < 5) session.giveBack(delivery);
          }),
      );
      await eventually(() => expect(seen).toHaveLength(5));
      await source.stop();
      await nats.source().consume(settle((delivery) => seen.push(delivery)));
      await eventually(() => expect(seen).toHaveLength(6));
      expect(seen.map(({ returns, message: { redelivered } }) => [returns, redelivered])).toEqual([
        [0, false],
        ...Array.from({ length: 5 }, () => [0, true]),
      ]);
      expect(new Set(seen.map((delivery) => idOf(delivery.message.body)))).toEqual(new Set([message.id]));
    });

    it('keeps the count of a message that is given back after its consumer died', async () => {
      await nats.intake.publish([anAlert({ severity: 'low' })]);
      await takeAndDie('common');
      const seen: Delivery[] = [];
      await nats.source().consume(
        () =>
          new ListenerByHand((delivery, session) => {
            seen.push(delivery);
            if (seen.length < 3) session.giveBack(delivery);
            else session.acknowledge(delivery);
          }),
      );
      await eventually(() => expect(seen.map(({ returns }) => returns)).toEqual([1, 1, 1]));
    });

    it('delivers again what is given back to a queue that has no room for a copy', async () => {
      const small = await bounded(nats, 1);
      await new NatsIntake(small).publish([anAlert({ severity: 'low' })]);
      const seen: Delivery[] = [];
      await nats.source(small).consume(
        () =>
          new ListenerByHand((delivery, session) => {
            seen.push(delivery);
            if (seen.length === 1) session.giveBack(delivery);
            else session.acknowledge(delivery);
          }),
      );
      await eventually(() => expect(seen.map(({ returns }) => returns)).toEqual([0, 1]));
      await eventually(async () => expect(await nats.lengthOf('common')).toBe(0));
    });

    it('gives a suspect up that came back five times, with its bytes and the id of its message', async () => {
      const body = Buffer.from([0x7b, 0xff, 0x00]);
      await jetstream(nats.plain).publish(`${nats.prefix}alerts.alert.low.x`, body);
      const holding = new ListenerByHand((delivery, session) => session.park(delivery));
      const parking = nats.source();
      await parking.consume(({ kind }) => (kind === 'common' ? holding : new ListenerByHand()));
      await eventually(() => expect(holding.deliveries).toHaveLength(1));
      await eventually(async () => expect(await nats.lengthOf('suspects')).toBe(1));
      await parking.stop();
      await eventually(async () => expect(await nats.lengthOf('common')).toBe(0));
      for (let deaths = 0; deaths < 5; deaths += 1)
        await eventually(async () => expect(await takeAndDie('suspects')).toBe(1));

      const listeners = new Map<string, ListenerByHand>();
      await nats.source().consume(({ kind }) => {
        const listener = new ListenerByHand((delivery, session) => session.acknowledge(delivery));
        listeners.set(kind, listener);
        return listener;
      });
      await eventually(() => expect(listeners.get('given_up')!.deliveries).toHaveLength(1));
      expect(listeners.get('suspects')!.deliveries).toEqual([]);
      expect(listeners.get('given_up')!.deliveries[0]!.message).toMatchObject({
        body,
        routing_key: 'alert.low.x',
        message_id: holding.deliveries[0]!.message.message_id,
      });
      await eventually(async () => expect(await nats.lengthOf('suspects')).toBe(0));
    }, 60_000);

    it('reads what a service publishes: the subject is the routing key, and the server number names a message without an id', async () => {
      const headers = newHeaders();
      for (const [name, value] of Object.entries({
        content_type: 'application/json',
        timestamp: '1767323045',
        traceparent: '00-a-b-01',
      }))
        headers.set(name, value);
      const js = jetstream(nats.plain);
      await js.publish(`${nats.prefix}alerts.alert.urgent.shop.eu`, '{"a":1}', { headers });
      await js.publish(`${nats.prefix}alerts.any`, '{"a":2}', { msgID: 'm-2' });
      const seen = new Map<string, Delivery[]>();
      await nats.source().consume(({ kind }) => {
        const listener = new ListenerByHand((delivery, session) =>
          listener.deliveries.length === 1 ? session.giveBack(delivery) : session.acknowledge(delivery),
        );
        seen.set(kind, listener.deliveries);
        return listener;
      });
      await eventually(() => expect([seen.get('urgent')!.length, seen.get('common')!.length]).toEqual([2, 2]));
      const [first, again] = seen.get('urgent')!;
      expect(first!.message).toEqual({
        body: Buffer.from('{"a":1}'),
        routing_key: 'alert.urgent.shop.eu',
        message_id: expect.stringMatching(/^urgent-\d{19}-1$/) as string,
        content_type: 'application/json',
        timestamp: 1_767_323_045,
        headers: { traceparent: '00-a-b-01' },
        redelivered: false,
      });
      expect(again!.message).toEqual({ ...first!.message, redelivered: true });
      const keyless = { body: Buffer.from('{"a":2}'), message_id: 'm-2', headers: {} };
      expect(seen.get('common')!.map(({ message }) => message)).toEqual([
        { ...keyless, redelivered: false },
        { ...keyless, redelivered: true },
      ]);
    });

    it('stores a message as the service of its subject, whatever its type and its body say', async () => {
      const body = JSON.stringify({ tenant_id: 'bakery', service: 'b', title: 'Flour is low' });
      const tails = ['alert.high.a', 'x.high.a', 'encoded.low.a', 'x.urgent.a.till', 'alert.urgent.a.tägel'];
      for (const tail of tails) await jetstream(nats.plain).publish(`${nats.prefix}alerts.${tail}`, body);
      const services: (string | undefined)[] = [];
      await nats.source().consume(
        settle(({ message }) => {
          const read = parseAlertMessage(message.body, message);
          services.push(read.ok ? read.message.service : read.code);
        }),
      );
      await eventually(() => expect(services.sort()).toEqual(['a', 'a', 'a', 'a.t_gel', 'a.till']));
    });

    it('publishes a message again unchanged, also within the time in which NATS knows its id', async () => {
      const message = {
        body: Buffer.from([1, 0, 255]),
        routing_key: 'alert.urgent.till..1',
        message_id: 'm-1',
        timestamp: 1_767_323_045,
        content_encoding: 'gzip',
        headers: { reason: 'invalid_json', tries: 2, lines: 'a\r\nb', 'Nats-Msg-Id': 'm-1' },
      };
      const raw = new NatsRawIntake(nats.queue);
      for (let times = 0; times < 2; times += 1)
        expect(await raw.republish([message])).toEqual([{ id: 'm-1', outcome: 'confirmed' }]);
      const seen: [string, ReceivedMessage][] = [];
      await nats.source().consume(({ kind }) => settle(({ message }) => seen.push([kind, message]))());
      await eventually(() => expect(seen).toHaveLength(2));
      const expected = { ...message, headers: { reason: 'invalid_json', tries: '2' }, redelivered: false };
      expect(seen).toEqual([
        ['urgent', expected],
        ['urgent', expected],
      ]);
    });

    it('stores a message that is published twice once while it waits, and tells apart tenants and bodies with one id', async () => {
      const alert = anAlert({ severity: 'low', id: 'one' });
      const others = [
        { ...alert, tenant_id: 'another' },
        { ...alert, service: 'another' },
        { ...alert, title: 'Another body' },
      ] as (typeof alert)[];
      const confirmed = { id: 'one', outcome: 'confirmed' };
      expect(await nats.intake.publish([alert])).toEqual([confirmed]);
      expect(await nats.intake.publish([alert, ...others])).toEqual([confirmed, confirmed, confirmed, confirmed]);
      expect(await nats.lengthOf('common')).toBe(4);
    });

    it('stores a message again whose first copy is gone, although NATS calls it a duplicate', async () => {
      const alert = anAlert({ severity: 'low' });
      await nats.intake.publish([alert]);
      await nats.manager.streams.purge(nats.queue.streams.name('common'));
      expect(await nats.intake.publish([alert])).toEqual([{ id: alert.id, outcome: 'confirmed' }]);
      expect(await nats.lengthOf('common')).toBe(1);
    });

    it('refuses what would exceed its bound, and takes messages again when there is room', async () => {
      const small = await bounded(nats, 3);
      const intake = new NatsIntake(small);
      const low = () => anAlert({ severity: 'low' });
      const depths = new NatsQueueDepths(small.streams);
      await intake.publish([anAlert({ severity: 'urgent' })]);
      expect(await depths.isFull()).toBe(false);
      const outcomes = await intake.publish([low(), low(), low(), low()]);
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['confirmed', 'confirmed', 'confirmed', 'failed']);
      await expect(intake.publish([low(), low()])).rejects.toMatchObject({
        name: 'QueueFull',
        role: 'queue',
        message: 'The queue is full.',
      });
      expect(await depths.isFull()).toBe(true);
      await intake.publish([anAlert({ severity: 'urgent' })]);
      await nats.source(small).consume(settle(() => undefined));
      await eventually(() => intake.publish([low(), low()]));
      await eventually(async () => expect(await depths.isFull()).toBe(false));
    });

    it('keeps what was confirmed when its bound becomes smaller than what waits', async () => {
      await nats.intake.publish(Array.from({ length: 9 }, () => anAlert({ severity: 'low' })));
      await nats.queueAt(natsUrl(), 3).streams.prepare();
      expect(await nats.lengthOf('common')).toBe(9);
    });

    it('keeps a dead message with its reason', async () => {
      await jetstream(nats.plain).publish(`${nats.prefix}alerts.alert.low.x`, 'not json');
      const source = nats.source();
      const seen: Delivery[] = [];
      await source.consume(() => new ListenerByHand((delivery) => seen.push(delivery)));
      await eventually(() => expect(seen).toHaveLength(1));
      const delivery = seen[0] as NatsDelivery;
      for (let times = 0; times < 2; times += 1)
        await source.bury([{ delivery, reason: 'invalid_json', detail: 'one\r\ntwo größer' }]);
      expect(await nats.lengthOf('dead')).toBe(1);
      const letter = await nats.manager.streams.getMessage(nats.queue.streams.name('dead'), { seq: 1 });
      expect(letter!.string()).toBe('not json');
      expect(letter!.subject).toBe(`${nats.prefix}alerts-dead.alert.low.x`);
      expect(letter!.header.get('reason')).toBe('invalid_json');
      expect(letter!.header.get('detail')).toBe('one two größer');
      expect(letter!.header.get('message_id')).toBe(delivery.message.message_id);
    });

    it('sends an acknowledgement that meets a lost connection when it is back: nothing is delivered again', async () => {
      const proxy = await FaultProxy.to(natsUrl());
      const queue = nats.queueAt(proxy.via(natsUrl()));
      await nats.intake.publish([anAlert({ severity: 'low' })]);
      const holding = new ListenerByHand();
      const source = nats.source(queue);
      await source.consume(({ kind }) => (kind === 'common' ? holding : new ListenerByHand()));
      await eventually(() => expect(holding.deliveries).toHaveLength(1));
      proxy.refuse();
      proxy.cut();
      await eventually(() => expect(queue.connection.connected).toBe(false));
      expect(source.consuming).toBe(false);
      holding.session.acknowledge(holding.deliveries[0]!);
      proxy.refuse(false);
      await eventually(async () => expect(await nats.lengthOf('common')).toBe(0));
      expect(await pending()).toEqual({ num_ack_pending: 0, num_pending: 0 });
      await eventually(() => expect(source.consuming).toBe(true));
      expect(holding.deliveries).toHaveLength(1);
      await source.stop();
      await proxy.close();
    });

    it('goes on after NATS has lost its data, and after its connection was silent', async () => {
      const proxy = await FaultProxy.to(natsUrl());
      const seen: string[] = [];
      const source = nats.source(nats.queueAt(proxy.via(natsUrl())));
      await source.consume(settle(({ message }) => seen.push(idOf(message.body))));
      for (const role of ['urgent', 'common', 'suspects', 'given_up'] as const)
        await nats.manager.streams.delete(nats.queue.streams.name(role));
      const [first, second] = [anAlert(), anAlert()];
      await nats.intake.publish([first]);
      await eventually(() => expect(seen).toEqual([first.id]));
      // an acknowledgement that the silence swallows brings the message again
      for (const role of ['urgent', 'common'] as const)
        await eventually(async () => expect(await nats.lengthOf(role)).toBe(0));
      // every lane has its stream again, so that the silence alone ends the consuming
      await eventually(() => expect(source.consuming).toBe(true));
      proxy.silence();
      await eventually(() => expect(source.consuming).toBe(false));
      proxy.silence(false);
      await eventually(() => expect(source.consuming).toBe(true), 15_000);
      await nats.intake.publish([second]);
      await eventually(() => expect(seen).toEqual([first.id, second.id]), 15_000);
      await source.stop();
      await proxy.close();
    }, 45_000);

    it('delivers a message that has the number of another in hand, after NATS has lost its data', async () => {
      const holding = new ListenerByHand();
      await nats.source().consume(({ kind }) => (kind === 'common' ? holding : new ListenerByHand()));
      const [lost, next] = [anAlert({ severity: 'low' }), anAlert({ severity: 'low' })];
      await nats.intake.publish([lost]);
      await eventually(() => expect(holding.deliveries).toHaveLength(1));
      await nats.manager.streams.delete(nats.queue.streams.name('common'));
      await nats.intake.publish([next]);
      await eventually(() => expect(holding.deliveries).toHaveLength(2));
      expect(holding.deliveries.map(({ message }) => idOf(message.body))).toEqual([lost.id, next.id]);
      holding.session.acknowledge(holding.deliveries[0]!);
      holding.session.acknowledge(holding.deliveries[1]!);
      await eventually(async () => expect(await nats.lengthOf('common')).toBe(0));
    });

    it('is unavailable while NATS is away, at once', async () => {
      const away = nats.queueAt('nats://127.0.0.1:1');
      await expect(new NatsIntake(away).publish([anAlert()])).rejects.toBeInstanceOf(Unavailable);
      const since = performance.now();
      await expect(new NatsRawIntake(away).republish([])).resolves.toEqual([]);
      await expect(new NatsIntake(away).publish([anAlert()])).rejects.toMatchObject({ technology: 'nats' });
      expect(performance.now() - since).toBeLessThan(1_000);
      const source = nats.source(away, { consumeTimeoutMs: 200 });
      await expect(source.consume(() => new ListenerByHand())).rejects.toBeInstanceOf(Unavailable);
      expect(source.consuming).toBe(false);
    });

    it('takes over new settings, and keeps the configuration that an operator gave', async () => {
      const stream = nats.queue.streams.name('common');
      await nats.manager.streams.update(stream, { description: 'ours' });
      await nats.queueAt(natsUrl(), 20_000).streams.prepare();
      const { config } = await nats.manager.streams.info(stream);
      expect(config).toMatchObject({ description: 'ours', max_msgs: 20_000, retention: 'workqueue', discard: 'new' });
      const consumer = await nats.manager.consumers.info(stream, CONSUMER);
      expect(consumer.config).toMatchObject({ ack_policy: AckPolicy.Explicit, max_deliver: -1 });
    });
  });
});

/** A queue whose stream for common messages is made with this bound. */
async function bounded(nats: OwnNats, limit: number) {
  const queue = nats.queueAt(natsUrl(), limit);
  await nats.manager.streams.delete(queue.streams.name('common'));
  await queue.streams.prepare();
  return queue;
}

/** Acknowledges everything that is delivered. */
const settle = (onDelivery: (delivery: Delivery) => void) => () =>
  new ListenerByHand((delivery, session) => {
    onDelivery(delivery);
    session.acknowledge(delivery);
  });

const idOf = (body: Buffer): string => (JSON.parse(body.toString()) as { id: string }).id;
