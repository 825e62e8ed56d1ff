#!/usr/bin/env bash
# google-libphonenumber 3.2.47 (npm) and github.com/nyaruka/phonenumbers v1.8.1 (Go) beside libphonenumber-js 1.13.16:
# a word behind a phone number becomes digits of it, and the result is a valid number.
#
# People write "+49 30 23125 012 (job)" into a contact. One would guess that a parser refuses it, or leaves the word out
# as libphonenumber-js does. Google's library and its translation into Go read a number spelt in letters, as in
# 1-800-FLOWERS, wherever there are three letters: "job" is dialled as 562. Where numbers have no fixed length, as in
# Germany and Austria, the result passes the test of validity. Two letters are left out, "ext. 12" is an extension.
#
# For a system that sends SMS: a page that checks with libphonenumber-js shows one number, and a service in Go sends to
# another, which may be a stranger's, and no error tells. Parse once, keep E.164, and refuse letters before that.
#
# Output seen on 2026-11-29 (Node 20.20.2, Go 1.26.8); the number is one of those kept for films:
#   +49 30 23125 012 (job)
#     libphonenumber-js: +493023125012 true
#     google-libphonenumber: +493023125012562 true
#     nyaruka/phonenumbers: +493023125012562 true
#   +49 30 23125 012 (me)
#     all three: +493023125012 true
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null && command -v go >/dev/null || { echo 'cannot be tried here: it takes npm and go'; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error \
  google-libphonenumber@3.2.47 libphonenumber-js@1.13.16 >/dev/null || exit 2
cat > go.mod <<'MOD'
module finding

go 1.18
MOD
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/nyaruka/phonenumbers"
)

func main() {
	number, err := phonenumbers.Parse(os.Args[1], "ZZ")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(phonenumbers.Format(number, phonenumbers.E164), phonenumbers.IsValidNumber(number))
}
GO
go get github.com/nyaruka/phonenumbers@v1.8.1 >/dev/null 2>&1 || exit 2
go mod tidy >/dev/null 2>&1 || exit 2
go build -o inGo . || exit 2
cat > seen.mjs <<'JS'
import { execFileSync } from 'node:child_process';
import google from 'google-libphonenumber';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

const util = google.PhoneNumberUtil.getInstance();
const libraries = {
  'libphonenumber-js': (text) => {
    const number = parsePhoneNumberFromString(text);
    return `${number.number} ${number.isValid()}`;
  },
  'google-libphonenumber': (text) => {
    const number = util.parse(text, 'ZZ');
    return `${util.format(number, google.PhoneNumberFormat.E164)} ${util.isValidNumber(number)}`;
  },
  'nyaruka/phonenumbers': (text) => execFileSync('./inGo', [text], { encoding: 'utf8', timeout: 10_000 }).trim(),
};
for (const text of ['+49 30 23125 012 (job)', '+49 30 23125 012 (me)']) {
  console.log(text);
  for (const [name, read] of Object.entries(libraries)) console.log(`  ${name}: ${read(text)}`);
}
JS
node seen.mjs | tee seen.txt
cat > expected.txt <<'TXT'
+49 30 23125 012 (job)
  libphonenumber-js: +493023125012 true
  google-libphonenumber: +493023125012562 true
  nyaruka/phonenumbers: +493023125012562 true
+49 30 23125 012 (me)
  libphonenumber-js: +493023125012 true
  google-libphonenumber: +493023125012 true
  nyaruka/phonenumbers: +493023125012 true
TXT
diff expected.txt seen.txt
