#!/usr/bin/env bash
# amqplib 2.3.1 (npm) read by github.com/rabbitmq/amqp091-go v1.16.0: a number in a header has another type with each
# value, and a Date in a header arrives as an empty table.
#
# A producer in Node counts attempts in a header, and a consumer in Go reads it with `.(int64)`. One would guess that
# JavaScript's one type of number is sent as one type, or as two. amqplib takes the smallest type that holds the value:
# an attempt is int8, from 128 on int16, from 32768 on int32, then int64; 2.0 is a whole number and 1.5 a double. So a
# consumer that was right about the first value fails at a later one: its type assertion panics, or with `ok` reads
# nothing. And a Date is sent without its value, although AMQP has a type for times, and no error tells.
#
# For a system with services in several languages: send {'!': 'long', value}, and times as {'!': 'timestamp', value} or
# as text; read header numbers by value and not by type; or keep both in the body.
#
# Output seen on 2026-11-29 (RabbitMQ 3.10.8, Node 20.20.2, Go 1.26.8):
#   127 int8 127
#   128 int16 128
#   40000 int32 40000
#   3000000000 int64 3000000000
#   2.0 int8 2
#   1.5 float64 1.5
#   {"!":"long","value":5} int64 5
#   Date amqp091.Table map[]
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here (it takes a RabbitMQ, AMQP_URL names another one).
set -euo pipefail
command -v npm >/dev/null && command -v go >/dev/null || { echo 'cannot be tried here: it takes npm and go'; exit 2; }
export AMQP_URL=${AMQP_URL:-amqp://guest:guest@127.0.0.1:5672}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error amqplib@2.3.1 >/dev/null || exit 2
cat > go.mod <<'MOD'
module finding

go 1.18
MOD
cat > main.go <<'GO'
package main

import (
	"fmt"
	"log"
	"os"

	amqp "github.com/rabbitmq/amqp091-go"
)

func main() {
	connection, err := amqp.Dial(os.Getenv("AMQP_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		log.Fatal(err)
	}
	for {
		message, ok, err := channel.Get(os.Args[1], true)
		if err != nil {
			log.Fatal(err)
		}
		if !ok {
			return
		}
		fmt.Printf("%s %T %v\n", message.Body, message.Headers["value"], message.Headers["value"])
	}
}
GO
go get github.com/rabbitmq/amqp091-go@v1.16.0 >/dev/null 2>&1 || exit 2
go mod tidy >/dev/null 2>&1 || exit 2
go build -o consumer . || exit 2
cat > seen.cjs <<'JS'
const { execFileSync } = require('node:child_process');
const { connect } = require('amqplib');

const long = { '!': 'long', value: 5 };
const values = [
  ['127', 127],
  ['128', 128],
  ['40000', 40_000],
  ['3000000000', 3_000_000_000],
  ['2.0', 2.0],
  ['1.5', 1.5],
  [JSON.stringify(long), long],
  ['Date', new Date()],
];
async function main() {
  const connection = await connect(process.env.AMQP_URL, { timeout: 5_000 }).catch((error) => {
    console.error(`cannot be tried here: no RabbitMQ answers (${error.code ?? error.message})`);
    process.exit(2);
  });
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue('', { durable: false, expires: 60_000 });
  for (const [name, value] of values) channel.sendToQueue(queue, Buffer.from(name), { headers: { value } });
  await channel.waitForConfirms();
  process.stdout.write(execFileSync('./consumer', [queue], { timeout: 20_000 }));
  await channel.deleteQueue(queue);
  await connection.close();
}
main();
JS
timeout 60 node seen.cjs > seen.txt || { status=$?; cat seen.txt; exit "$status"; }
cat seen.txt
cat > expected.txt <<'TXT'
127 int8 127
128 int16 128
40000 int32 40000
3000000000 int64 3000000000
2.0 int8 2
1.5 float64 1.5
{"!":"long","value":5} int64 5
Date amqp091.Table map[]
TXT
diff expected.txt seen.txt
