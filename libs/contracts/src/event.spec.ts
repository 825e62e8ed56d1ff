import { entryPasses, eventNameOf, filterFieldsOf, passes, passesLabels, renderData, type StreamFilter } from './event';
import { anEntry } from './testing/an-alert';
import { CHANGES } from './wire';

describe('the event name', () => {
  it.each(CHANGES)('of a change "%s" rings only when the alert does', (change) => {
    const actor = null;
    const rings = ['raised', 'reopened', 'severity_raised', 'unsnoozed'].includes(change);
    expect(eventNameOf({ change, actor, service: 'inventory', type: 'alert' })).toBe(
      rings ? 'inventory_alert' : 'alert_update',
    );
    expect(eventNameOf({ change, actor, service: 'orders', type: 'alert' })).toBe(
      rings ? 'notification' : 'alert_update',
    );
    expect(eventNameOf({ change, actor, service: 'inventory', type: 'recommendation' })).toBe(
      rings ? 'notification' : 'alert_update',
    );
  });

  it.each(CHANGES)('of a change "%s" that a person made never rings', (change) => {
    expect(eventNameOf({ change, actor: 'ana', service: 'inventory', type: 'alert' })).toBe('alert_update');
  });
});

describe('a filter', () => {
  const any = { severity: null, type: null, service: null, labels: null };
  const fields = { severity: 'low', previous_severity: 'urgent', type: 'alert', service: 'inventory' } as const;
  it.each([
    [{}, true],
    [{ severity: ['low'] }, true],
    [{ severity: ['urgent'] }, true],
    [{ severity: ['high'] }, false],
    [{ severity: ['low'], type: ['alert'], service: ['inventory'] }, true],
    [{ severity: ['low'], type: ['notification'] }, false],
    [{ service: ['orders'] }, false],
  ])('%j passes what matches before or after the change: %s', (filter, expected) => {
    expect(passes({ ...any, ...filter }, fields)).toBe(expected);
  });

  const entry = anEntry({
    severity: 'low',
    type: 'alert',
    name: 'warm',
    labels: { site: 'north' },
    service: 'inventory',
    previous: {
      status: 'firing',
      severity: 'urgent',
      type: 'notification',
      name: 'cold',
      labels: { site: 'south', line: '2' },
    },
  });
  it.each<[Partial<StreamFilter>, boolean]>([
    [{ labels: { site: 'north' } }, true],
    [{ labels: { site: 'south' } }, true],
    [{ labels: { site: 'west' } }, false],
    [{ type: ['alert'] }, true],
    [{ type: ['notification'] }, true],
    [{ type: ['recommendation'] }, false],
    [{ name: ['warm'] }, true],
    [{ name: ['cold'] }, true],
    [{ name: ['hot'] }, false],
    [{ severity: ['urgent'], labels: { site: 'south' } }, true],
    [{ severity: ['low'], labels: { site: 'north' } }, true],
    [{ severity: ['urgent'], labels: { site: 'north' } }, false],
    [{ severity: ['low'], labels: { site: 'south' } }, false],
    [{ severity: ['urgent'], type: ['alert'] }, false],
    [{ severity: ['low'], type: ['notification'] }, false],
    [{ severity: ['urgent'], type: ['notification'] }, true],
    [{ name: ['cold'], labels: { line: '2' } }, true],
    [{ name: ['warm'], labels: { line: '2' } }, false],
    [{ name: ['warm', 'cold'], type: ['alert'], labels: { line: '2' } }, false],
    [{ service: ['inventory'], name: ['cold'] }, true],
    [{ service: ['orders'], name: ['cold'] }, false],
  ])('%j judges each side of a change by itself: %s', (filter, expected) => {
    expect(entryPasses({ ...any, ...filter }, entry)).toBe(expected);
    // what travels beside the data never says no where the whole says yes
    if (expected) expect(passes({ ...any, ...filter }, filterFieldsOf(entry))).toBe(true);
  });

  it('takes for the same before what is not told to differ, and nothing of what is new', () => {
    const same = anEntry({
      name: 'warm',
      labels: { site: 'north' },
      severity: 'low',
      previous: { status: 'firing', severity: 'urgent' },
    });
    expect(entryPasses({ ...any, severity: ['urgent'], name: ['warm'], labels: { site: 'north' } }, same)).toBe(true);
    expect(entryPasses({ ...any, severity: ['urgent'], name: ['warm'] }, { ...same, previous: null })).toBe(false);
    const named = anEntry({
      name: 'warm',
      severity: 'low',
      previous: { status: 'firing', severity: 'urgent', name: null },
    });
    expect(entryPasses({ ...any, severity: ['urgent'], name: ['warm'] }, named)).toBe(false);
  });

  it.each([
    [null, {}, true],
    [{}, {}, true],
    [{ site: 'north' }, { site: 'north', line: '2' }, true],
    [{ site: 'north', line: '2' }, { site: 'north' }, false],
    [{ site: 'north' }, { site: 'North' }, false],
    [{ toString: 'x' }, {}, false],
    [JSON.parse('{"__proto__":"x"}'), JSON.parse('{"__proto__":"x"}'), true],
  ] as [Record<string, string> | null, Record<string, string>, boolean][])(
    'of labels %j with %j: %s',
    (wanted, labels, expected) => {
      expect(passesLabels(wanted, labels)).toBe(expected);
    },
  );
});

it('data holds every field of the entry and nothing else', () => {
  const entry = anEntry({ previous: { status: 'firing', severity: 'low' } });
  expect(JSON.parse(renderData({ ...entry, secret: 'x' } as never))).toEqual(entry);
  const changed = {
    ...entry,
    previous: { ...entry.previous!, type: 'alert' as const, name: null, labels: { a: 'b' } },
  };
  expect(JSON.parse(renderData(changed))).toEqual(changed);
});
