#!/usr/bin/env bash
# github.com/apognu/gocal v0.9.1, Go, reading what ical-generator 10.2.0 (npm) wrote: who has two days off is on call on
# both, the last shift of a rota is nobody's, and a shift that was moved is there twice.
#
# A rota is written in Node and read in Go. One would guess that a reader which says it handles exceptions and moved
# occurrences either does so or returns an error. There are three cases where it does neither:
# - One day off is left out. Two are written into one EXDATE, as RFC 5545 allows, and the line is ignored as a whole.
# - `until` is the start of the last shift, which the RFC counts in. The rota ends before it, and nobody is on call; one
#   second more brings it back.
# - A shift that was moved to a day outside of `Start` and `End` is not read, and so no longer takes the place of the
#   one that was planned: who swapped a shift for one in summer is on call in March as well.
#
# For a system that asks a calendar who is on call: compare the reader's shifts with those of a second library for a
# calendar that has all of this, and ask for a window that is wider than the question.
#
# Output seen on 2026-11-30 (gocal v0.9.1, go 1.26.8), weekly on Mondays from 2 March, read for March:
#   as written:         03-02 03-09 03-16 03-23
#   one day off, 9:     03-02 03-16 03-23
#   days off, 9, 16:    03-02 03-09 03-16 03-23
#   until 23, 08:00:00: 03-02 03-09 03-16
#   until 23, 08:00:01: 03-02 03-09 03-16 03-23
#   9 moved to March:   03-10 03-02 03-16 03-23
#   9 moved to June:    03-02 03-09 03-16 03-23
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null && command -v go >/dev/null || { echo 'cannot be tried here: it takes npm and go'; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error ical-generator@10.2.0 >/dev/null || exit 2
cat > go.mod <<'MOD'
module finding

go 1.18
MOD
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/apognu/gocal"
)

func main() {
	calendar := gocal.NewParser(os.Stdin)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	end := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	calendar.Start, calendar.End = &start, &end
	if err := calendar.Parse(); err != nil {
		fmt.Print(err, " ")
	}
	for _, event := range calendar.Events {
		fmt.Print(event.Start.Format("01-02 "))
	}
}
GO
go get github.com/apognu/gocal@v0.9.1 >/dev/null 2>&1 || exit 2
go mod tidy >/dev/null 2>&1 || exit 2
go build -o inGo . || exit 2
cat > seen.mjs <<'JS'
import { execFileSync } from 'node:child_process';
import ical from 'ical-generator';

const at = (day) => new Date(`2026-${day}T08:00:00Z`);
const shift = (day) => ({ id: 'rota', summary: 'on call', start: at(day), end: new Date(+at(day) + 8 * 3_600_000) });
const weekly = { freq: 'WEEKLY', count: 4 };
const rota = (repeating) => ({ ...shift('03-02'), repeating });
const moved = (day) => ({ ...shift(day), recurrenceId: at('03-09') });
const cases = {
  'as written': [rota(weekly)],
  'one day off, 9': [rota({ ...weekly, exclude: [at('03-09')] })],
  'days off, 9, 16': [rota({ ...weekly, exclude: [at('03-09'), at('03-16')] })],
  'until 23, 08:00:00': [rota({ freq: 'WEEKLY', until: at('03-23') })],
  'until 23, 08:00:01': [rota({ freq: 'WEEKLY', until: new Date(+at('03-23') + 1000) })],
  '9 moved to March': [rota(weekly), moved('03-10')],
  '9 moved to June': [rota(weekly), moved('06-08')],
};
for (const [name, events] of Object.entries(cases)) {
  const calendar = ical();
  for (const event of events) calendar.createEvent(event);
  const shifts = execFileSync('./inGo', { input: calendar.toString(), encoding: 'utf8', timeout: 10_000 });
  console.log(`${`${name}:`.padEnd(19)} ${shifts.trim()}`);
}
JS
TZ=UTC node seen.mjs | tee seen.txt
cat > expected.txt <<'TXT'
as written:         03-02 03-09 03-16 03-23
one day off, 9:     03-02 03-16 03-23
days off, 9, 16:    03-02 03-09 03-16 03-23
until 23, 08:00:00: 03-02 03-09 03-16
until 23, 08:00:01: 03-02 03-09 03-16 03-23
9 moved to March:   03-10 03-02 03-16 03-23
9 moved to June:    03-02 03-09 03-16 03-23
TXT
diff expected.txt seen.txt
