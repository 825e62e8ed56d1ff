import { renderData, type StoredEvent } from '../../event';
import { ACT_RULES } from '../../wire';
import { actedAlerts, actedIn, anAct, type OpenAlertActs } from './opened-acts';

const asRead = ({ epoch, seq, fp, entry }: StoredEvent): StoredEvent => ({ epoch, seq, fp, prev_fp: null, entry });

/** What an act changes, and when it is refused. */
export function describeOneAct(opened: () => OpenAlertActs): void {
  const { entriesOf, say, raise, act } = actedAlerts(opened);

  it.each([
    ['acknowledge', 'unacknowledge', 'acknowledged'],
    ['resolve', 'reopen', 'resolved'],
    ['snooze', 'unsnooze', 'snoozed'],
  ] as const)('takes %s, and %s as its inverse: each an entry with who, when and why', async (there, back, status) => {
    const one = await raise();
    const trace_id = '0af7651916cd43dd8448eb211c80319c';
    const first = await act(one, anAct(there, 'ana', { note: 'looking', trace_id }));
    const { alert, event } = actedIn(first);
    expect(alert).toMatchObject({
      ...one,
      status,
      actor: 'ana',
      acted_at: event.entry.received_at,
      last_seq: 2,
      occurrences: 1,
      labels: { site: 'north' },
      metadata: { stock: 2 },
    });
    expect(event.entry).toMatchObject({
      change: ACT_RULES[there].change,
      status,
      previous: { status: 'firing', severity: 'urgent' },
      severity: 'urgent',
      actor: 'ana',
      note: 'looking',
      folded: 0,
      occurrences: 1,
      occurred_at: null,
      title: alert.title,
      labels: alert.labels,
      actions: alert.actions,
      metadata: alert.metadata,
      dedup_key: 'k',
      trace_id,
      event_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f-]{27}$/) as string,
    });
    expect(alert.snoozed_until === null).toBe(there !== 'snooze');

    const second = actedIn(await act(one, anAct(back, 'bob')));
    expect(second.alert).toMatchObject({ status: 'firing', actor: 'bob', snoozed_until: null, last_seq: 3 });
    expect(second.event).toMatchObject({
      seq: 3,
      prev_fp: event.fp,
      entry: { change: ACT_RULES[back].change, previous: { status }, note: null, trace_id: null },
    });

    const stored = await opened().reader.after(one.tenant_id, 1, 10);
    expect(stored).toEqual([event, second.event].map(asRead));
    expect(stored.map(({ entry }) => renderData(entry))).toEqual(
      [event, second.event].map(({ entry }) => renderData(entry)),
    );
    expect((await opened().reader.heads([one.tenant_id]))[0]).toMatchObject({ seq: 3, fp: second.event.fp });
  });

  it('assigns and removes an assignee, only from the expected one if it is given, and keeps the actor of the status', async () => {
    const one = await raise();
    await act(one, anAct('acknowledge', 'bob'));
    const assign = (assignee: string | null, from_assignee?: string | null) =>
      act(one, anAct('assign', 'ana', { assignee, from_assignee }));
    expect(actedIn(await assign('cleo', null))).toMatchObject({
      alert: { assignee: 'cleo', actor: 'bob', status: 'acknowledged' },
      event: { entry: { change: 'assigned', actor: 'ana', assignee: 'cleo' } },
    });
    expect(await assign('dan', null)).toMatchObject({ outcome: 'conflict', alert: { assignee: 'cleo' } });
    expect(await assign('cleo', null)).toMatchObject({ outcome: 'unchanged' });
    expect(actedIn(await assign('dan'))).toMatchObject({ alert: { assignee: 'dan' } });
    expect(actedIn(await assign(null, 'dan'))).toMatchObject({ alert: { assignee: null } });
    expect(await assign(null)).toMatchObject({ outcome: 'unchanged' });
  });

  it('assigns an alert without an assignee to the user who acknowledges it, in the same entry, and takes that back with the acknowledgement', async () => {
    const by = (user: string) => anAct('acknowledge', user, { assignee: user });
    const one = await raise();
    expect(actedIn(await act(one, by('ana')))).toMatchObject({
      alert: { status: 'acknowledged', actor: 'ana', assignee: 'ana' },
      event: { entry: { change: 'acknowledged', assignee: 'ana' } },
    });
    // a repeat, which is told as an entry, is no assignment
    await say(one.tenant_id, { severity: 'low' });
    expect(actedIn(await act(one, anAct('unacknowledge', 'bob')))).toMatchObject({
      alert: { status: 'firing', assignee: null },
      event: { entry: { change: 'unacknowledged', assignee: null } },
    });

    // an acknowledgement of another user's alert does not take it away
    await act(one, anAct('assign', 'ana', { assignee: 'cleo' }));
    expect(actedIn(await act(one, by('bob'))).alert.assignee).toBe('cleo');
    expect(actedIn(await act(one, anAct('unacknowledge', 'bob'))).alert.assignee).toBe('cleo');

    // nor does taking back an acknowledgement, where a user was assigned before or has been since
    await act(one, anAct('assign', 'ana', { assignee: 'ana' }));
    await act(one, by('ana'));
    expect(actedIn(await act(one, anAct('unacknowledge'))).alert.assignee).toBe('ana');
    await act(one, anAct('assign', 'ana', { assignee: null }));
    await act(one, by('ana'));
    await act(one, anAct('assign', 'bob', { assignee: 'cleo' }));
    expect(actedIn(await act(one, anAct('unacknowledge'))).alert.assignee).toBe('cleo');

    // an address that is no user acknowledges, and is assigned nothing
    const other = await raise();
    expect(actedIn(await act(other, anAct('acknowledge', 'email:ana@example.test'))).alert.assignee).toBeNull();
  });

  it('notes in any status, and takes the same words twice for one note', async () => {
    const one = await raise();
    for (const status of ['firing', 'acknowledged', 'resolved'] as const) {
      if (status !== 'firing') await act(one, anAct(status === 'resolved' ? 'resolve' : 'acknowledge'));
      expect(actedIn(await act(one, anAct('note', 'bob', { note: `it is ${status}` })))).toMatchObject({
        alert: { status },
        event: { entry: { change: 'noted', status, previous: { status }, actor: 'bob', note: `it is ${status}` } },
      });
    }
    await say(one.tenant_id);
    const { length } = await entriesOf(one.tenant_id);
    expect(await act(one, anAct('note', 'bob', { note: 'it is acknowledged' }))).toMatchObject({
      outcome: 'unchanged',
    });
    expect(await act(one, anAct('note', 'ana', { note: 'it is acknowledged' }))).toMatchObject({ outcome: 'acted' });
    expect(await entriesOf(one.tenant_id)).toHaveLength(length + 1);
  });

  it('accepts a repeated act of the same user while it still applies, and appends only a new note', async () => {
    const one = await raise();
    const snooze = anAct('snooze', 'ana', { note: 'tomorrow' });
    await act(one, snooze);
    await say(one.tenant_id);
    expect(await act(one, snooze)).toMatchObject({
      outcome: 'unchanged',
      alert: { status: 'snoozed', snoozed_until: snooze.until, actor: 'ana' },
    });
    expect(await entriesOf(one.tenant_id)).toHaveLength(3);
    expect(actedIn(await act(one, { ...snooze, note: 'not today' }))).toMatchObject({
      alert: { status: 'snoozed', snoozed_until: snooze.until },
      event: { entry: { change: 'noted', note: 'not today' } },
    });
    const longer = { ...snooze, until: new Date(Date.now() + 7_200_000).toISOString(), note: null };
    expect(actedIn(await act(one, longer))).toMatchObject({
      alert: { snoozed_until: longer.until },
      event: { entry: { change: 'snoozed', previous: { status: 'snoozed' } } },
    });

    await act(one, anAct('resolve'));
    expect(await act(one, anAct('resolve', 'ana'))).toMatchObject({ outcome: 'unchanged' });
    expect(await act(one, anAct('resolve', 'bob'))).toMatchObject({
      outcome: 'conflict',
      alert: { status: 'resolved', actor: 'ana' },
    });
  });

  it('is refused when the alert has another status, with the alert and the actor of that status', async () => {
    const one = await raise();
    expect(await act(one, anAct('unacknowledge'))).toMatchObject({
      outcome: 'conflict',
      alert: { status: 'firing', actor: null, acted_at: null },
    });
    await say(one.tenant_id, { status: 'resolved' });
    expect(await act(one, anAct('acknowledge'))).toMatchObject({
      outcome: 'conflict',
      alert: { status: 'resolved', actor: null, last_seq: 2 },
    });
    expect(await entriesOf(one.tenant_id)).toHaveLength(2);
  });
}
