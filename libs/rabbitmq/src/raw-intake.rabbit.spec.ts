import type { ConfirmingPublisher, Publication } from '@tocsin/publisher';
import { RabbitRawIntake } from './raw-intake.rabbit';

/** The headers of a message that is published again with these. */
async function republished(headers: Readonly<Record<string, unknown>>): Promise<Publication['headers']> {
  const sent: Publication[] = [];
  const publish = async (publications: readonly Publication[]) => {
    sent.push(...publications);
    return publications.map(({ id }) => ({ id, outcome: 'confirmed' as const }));
  };
  const intake = new RabbitRawIntake({ publish } as unknown as ConfirmingPublisher, 'alerts');
  await intake.republish([{ body: Buffer.from('{}'), routing_key: 'a.b', message_id: '1', timestamp: 1, headers }]);
  return sent[0]!.headers;
}

it('a whole number in a header is sent again as an int, whatever its value', async () => {
  const values = [5, 127, 128, -40_000, 2_147_483_647];
  for (const value of values)
    expect(await republished({ 'cloudEvents:count': value })).toEqual({ 'cloudEvents:count': { '!': 'int', value } });
});

it('other headers are sent again as they are', async () => {
  const headers = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'cloudEvents:time': { '!': 'timestamp', value: 1_767_323_045 },
    'cloudEvents:last': true,
    'cloudEvents:share': 1.5,
    'cloudEvents:large': 3_000_000_000,
  };
  expect(await republished(headers)).toEqual(headers);
});
