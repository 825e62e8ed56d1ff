import { readRoutingKey } from '@tocsin/messages';
import { routingKeyOfTail, subjectOf, tailOfSubject } from './subjects';

it.each([
  ['alert.urgent.inventory', 'alerts.alert.urgent.inventory'],
  ['recommendation.low.sales.eu', 'alerts.recommendation.low.sales.eu'],
  [undefined, 'alerts.any'],
  // no subjects: an empty token, a wildcard, a space, a severity under another name
  ['alert.urgent.till..1', `alerts.encoded.urgent.${encoded('alert.urgent.till..1')}`],
  ['alert.high.>', `alerts.encoded.low.${encoded('alert.high.>')}`],
  ['two words', `alerts.encoded.low.${encoded('two words')}`],
  ['alert.critical.till', `alerts.encoded.urgent.${encoded('alert.critical.till')}`],
  ['encoded.urgent.x', `alerts.encoded.low.${encoded('encoded.urgent.x')}`],
])('%s is published as %s, and read back', (routingKey, subject) => {
  expect(subjectOf(routingKey)).toBe(subject);
  expect(routingKeyOfTail(tailOfSubject(subject))).toBe(routingKey);
  expect(routingKeyOfTail(tailOfSubject(subject.replace('alerts.', 'site-alerts-suspects.')))).toBe(routingKey);
});

it.each([
  ['x.high.inventory', 'inventory'],
  ['Alert.low.inventory.eu', 'inventory.eu'],
  ['encoded.low.inventory', 'inventory'],
  ['alert.urgent.inventory.büro 1', 'inventory.b_ro_1'],
  [`notification.high.inventory.${'x'.repeat(80)}`, `inventory.${'x'.repeat(54)}`],
])('the subject %s names the service %s, and leaves nothing to the body', (tail, service) => {
  expect(readRoutingKey(routingKeyOfTail(tail))).toMatchObject({ severity: tail.split('.')[1], service });
});

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
