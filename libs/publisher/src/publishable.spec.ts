import { AlertPublisher, publicationOf } from './alert-publisher';
import { enqueue } from './outbox';

const alert = { tenant_id: 'bakery', service: 'ovens', severity: 'low' } as const;
/** Values that JavaScript allows and the types do not. */
const FAULTY: [what: string, alert: unknown, says: string][] = [
  ['no service', { ...alert, service: undefined }, 'alerts[1] has no service.'],
  ['a service of blanks', { ...alert, service: ' ' }, 'alerts[1] has no service.'],
  ['a service that is no text', { ...alert, service: 7 }, 'alerts[1] has no service.'],
  ['no tenant', { ...alert, tenant_id: null }, 'alerts[1] has no tenant_id.'],
  ['no severity', { ...alert, severity: undefined }, 'alerts[1] has no severity.'],
  ['nothing at all', {}, 'alerts[1] has no tenant_id and no service and no severity.'],
  ['no alert', undefined, 'alerts[1] is no object.'],
  ['a list', [], 'alerts[1] is no object.'],
];

it.each(FAULTY)('an alert with %s is refused before anything is sent', async (_, faulty, says) => {
  // no broker listens there: a message that is sent would fail with another error
  const publisher = new AlertPublisher({ url: 'amqp://127.0.0.1:1' });
  await expect(publisher.publish([alert, faulty as typeof alert])).rejects.toThrow(
    new TypeError(`${says} Nothing was published.`),
  );
  await publisher.close();
});

it.each(FAULTY)('an alert with %s is put into no outbox', async (_, faulty, says) => {
  const query = jest.fn();
  await expect(enqueue({ query }, [alert, faulty as typeof alert])).rejects.toThrow(says);
  expect(query).not.toHaveBeenCalled();
});

it.each([undefined, '', '  '])('an id of %j is none: one is drawn, for the message and its body', (id) => {
  const { id: drawn, body } = publicationOf({ ...alert, ...(id !== undefined && { id }) }, 'x');
  expect(drawn).toMatch(/^[0-9a-f-]{36}$/);
  expect(JSON.parse(body.toString())).toMatchObject({ id: drawn });
});

it.each([
  [undefined, 'alert.low.ovens'],
  ['' as 'alert', 'alert.low.ovens'],
  ['notification' as const, 'notification.low.ovens'],
])('a type of %j makes the key %s', (type, key) => {
  expect(publicationOf({ ...alert, ...(type !== undefined && { type }) }, 'x').routingKey).toBe(key);
});
