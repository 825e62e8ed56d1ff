#!/usr/bin/env bash
# github.com/r3labs/sse/v2 v2.10.0, Go, its server: the id of a published event is not sent, or it ends the client that
# brings it back.
#
# A publisher sets Event.ID, say to the number of its log. With AutoReplay, which is on, the id is overwritten with the
# event's place in the server's own memory, from 0. A client that returns with its last id gets that event again, and
# after a restart of the server nothing of what was published meanwhile: its old number is larger than all the new ones.
# With AutoReplay off the id arrives as it was set. But a client that returns with an id that is no whole number is
# answered 400, and an EventSource that is answered 400 never tries again: the first break of the connection, which is
# what ids are for, is the end.
#
# For a system whose ids are cursors: with this server they have to travel in the data, and clients have to ask for the
# place to go on from in a way of their own.
#
# Output seen on 2026-11-29 (Go 1.26.8), events with the ids 101, 102, 103, and a-101:
#   AutoReplay on, new client: 200 [id 0: 101] [id 1: 102] [id 2: 103]
#   AutoReplay on, back with 1: 200 [id 1: 102] [id 2: 103]
#   AutoReplay on, back with 9 after a restart: 200
#   AutoReplay off, new client: 200 [id a-101: a-101]
#   AutoReplay off, back with a-101: 400 Last-Event-ID must be a number!
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v go >/dev/null || { echo 'cannot be tried here: there is no go'; exit 2; }
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat > go.mod <<'MOD'
module finding

go 1.18
MOD
cat > main.go <<'GO'
package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/r3labs/sse/v2"
)

// Without replay, what comes before the first client is dropped: then the events are published when it is there.
func serve(replay bool, ids ...string) *httptest.Server {
	server := sse.New()
	server.AutoReplay = replay
	publish := func() {
		for _, id := range ids {
			server.Publish("alerts", &sse.Event{ID: []byte(id), Data: []byte(id)})
		}
	}
	if !replay {
		server.OnSubscribe = func(string, *sse.Subscriber) { publish() }
	}
	server.CreateStream("alerts")
	if replay {
		publish()
	}
	return httptest.NewServer(server)
}

// The status, and what comes within a second.
func read(url, last string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, "GET", url+"?stream=alerts", nil)
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	seen, id := fmt.Sprint(response.StatusCode), ""
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		text := lines.Text()
		switch {
		case strings.HasPrefix(text, "id: "):
			id = text[4:]
		case strings.HasPrefix(text, "data: "):
			seen += fmt.Sprintf(" [id %s: %s]", id, text[6:])
		case text != "":
			seen += " " + text
		}
	}
	return seen
}

func main() {
	before := serve(true, "101", "102", "103")
	fmt.Println("AutoReplay on, new client:", read(before.URL, ""))
	fmt.Println("AutoReplay on, back with 1:", read(before.URL, "1"))
	after := serve(true, "110", "111", "112")
	fmt.Println("AutoReplay on, back with 9 after a restart:", read(after.URL, "9"))
	plain := serve(false, "a-101")
	fmt.Println("AutoReplay off, new client:", read(plain.URL, ""))
	fmt.Println("AutoReplay off, back with a-101:", read(plain.URL, "a-101"))
}
GO
go get github.com/r3labs/sse/v2@v2.10.0 >/dev/null 2>&1 || exit 2
go mod tidy >/dev/null 2>&1 || exit 2
go build -o finding . || exit 2
timeout 60 ./finding | tee seen.txt
cat > expected.txt <<'TXT'
AutoReplay on, new client: 200 [id 0: 101] [id 1: 102] [id 2: 103]
AutoReplay on, back with 1: 200 [id 1: 102] [id 2: 103]
AutoReplay on, back with 9 after a restart: 200
AutoReplay off, new client: 200 [id a-101: a-101]
AutoReplay off, back with a-101: 400 Last-Event-ID must be a number!
TXT
diff expected.txt seen.txt
