import { cloneEvent, EVENT_SOURCES, eventType, newEvent, validateEvent } from './event';

it('a new event has a UUID, the instant, and the parts of its type', () => {
  const event = newEvent({ type: eventType('public', 'users', 'create'), user_id: 123 });
  expect(event).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/),
    source: 'internal',
    status: 'pending',
    retry_count: 0,
    payload: null,
    user_id: '123',
    schema: 'public',
    entity: 'users',
    operation: 'create',
    schema_version: 1,
    metadata: {},
  });
  expect(Date.now() - event.created_at.getTime()).toBeLessThan(60_000);
  expect(newEvent({ type: 'tick' })).toMatchObject({ schema: '', entity: '', operation: '' });
});

it('a clone is deep', () => {
  const event = newEvent({ type: 'tick', payload: { list: [1] }, metadata: { deep: {} } });
  const clone = cloneEvent(event);
  expect(clone).toEqual(event);
  clone.payload.list.push(2);
  expect(event.payload.list).toEqual([1]);
});

it.each(EVENT_SOURCES)('%s is a source', (source) => validateEvent(newEvent({ type: 'tick', source })));

it.each([
  [{ type: '' }, /type/],
  [{ type: 'public.*' }, /type/],
  [{ type: 'a\n' }, /type/],
  [{ type: 'a', source: 'mars' as 'system' }, /source/],
  [{ type: 'a', id: '' }, /id/],
  [{ type: 'a', session_id: '\0' }, /session_id/],
  [{ type: 'a', schema_version: 0 }, /schema_version/],
  [{ type: 'a', created_at: new Date(NaN) }, /created_at/],
])('%j is no valid event', (draft, why) => {
  expect(() => validateEvent(newEvent(draft))).toThrow(
    expect.objectContaining({ code: 'invalid_event', message: expect.stringMatching(why) }),
  );
});
