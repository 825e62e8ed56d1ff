#!/usr/bin/env bash
# ical-generator 10.2.0 read by node-ical 0.26.1: the time zone of a calendar takes the zone away from its events, and
# stays on their exceptions.
#
# A rota says `ical({ timezone: 'Europe/Warsaw' })` and gives each shift as a Date, which is an instant. One would
# guess that start and exceptions are written in that zone, or in UTC. The start is written in the zone of the process,
# without a name: it is 08:00 wherever it is read. The exception is written with the name of the calendar's zone, and
# with the same 08:00. A reader that tells zones apart no longer finds the exception among the shifts, and who had a
# day off is on call. The documentation says that a Date is taken to be in the zone already; it does not say that the
# name is left out, and a VTIMEZONE in the calendar changes nothing.
#
# For a system that plans who is on call: name the zone at each event, give times that know their zone, and read one's
# own calendar back in a test.
#
# Output seen on 2026-11-29 (Node 20.20.2, TZ=UTC), a weekly shift at 08:00 UTC (09:00 in Warsaw), all but 9 March:
#   no zone: DTSTART:20260302T080000Z EXDATE:20260309T080000Z
#     shifts: 2026-03-02T08:00 2026-03-16T08:00
#   zone of the calendar: DTSTART:20260302T080000 EXDATE;TZID=Europe/Warsaw:20260309T080000
#     shifts: 2026-03-02T08:00 2026-03-09T08:00 2026-03-16T08:00
#   zone of the event: DTSTART;TZID=Europe/Warsaw:20260302T080000 EXDATE;TZID=Europe/Warsaw:20260309T080000
#     shifts: 2026-03-02T07:00 2026-03-16T07:00
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null || { echo 'cannot be tried here: there is no npm'; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error ical-generator@10.2.0 node-ical@0.26.1 >/dev/null || exit 2
cat > seen.mjs <<'JS'
import ical from 'ical-generator';
import reader from 'node-ical';

const zone = 'Europe/Warsaw';
const shift = {
  start: new Date('2026-03-02T08:00:00Z'),
  end: new Date('2026-03-02T16:00:00Z'),
  summary: 'on call',
  repeating: { freq: 'WEEKLY', count: 3, exclude: [new Date('2026-03-09T08:00:00Z')] },
};
const calendars = {
  'no zone': [{}, shift],
  'zone of the calendar': [{ timezone: zone }, shift],
  'zone of the event': [{}, { ...shift, timezone: zone }],
};
for (const [name, [options, event]] of Object.entries(calendars)) {
  const calendar = ical(options);
  calendar.createEvent(event);
  const text = calendar.toString();
  const lines = text.split('\r\n').filter((line) => /^(DTSTART|EXDATE)/.test(line));
  console.log(`${name}: ${lines.join(' ')}`);
  const read = Object.values(reader.sync.parseICS(text)).find(({ type }) => type === 'VEVENT');
  const shifts = reader.expandRecurringEvent(read, { from: new Date('2026-03-01'), to: new Date('2026-04-01') });
  console.log(`  shifts: ${shifts.map(({ start }) => start.toISOString().slice(0, 16)).join(' ')}`);
}
JS
TZ=UTC node seen.mjs | tee seen.txt
cat > expected.txt <<'TXT'
no zone: DTSTART:20260302T080000Z EXDATE:20260309T080000Z
  shifts: 2026-03-02T08:00 2026-03-16T08:00
zone of the calendar: DTSTART:20260302T080000 EXDATE;TZID=Europe/Warsaw:20260309T080000
  shifts: 2026-03-02T08:00 2026-03-09T08:00 2026-03-16T08:00
zone of the event: DTSTART;TZID=Europe/Warsaw:20260302T080000 EXDATE;TZID=Europe/Warsaw:20260309T080000
  shifts: 2026-03-02T07:00 2026-03-16T07:00
TXT
diff expected.txt seen.txt
