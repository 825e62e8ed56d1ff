#!/bin/sh
# github.com/tmaxmax/go-sse v0.12.0, Go: a client never gets past an event of 64 KiB, and MaxRetries does not end it.
#
# Servers of events allow large ones: an alert with its metadata may have more than 64 KiB as a frame. The client reads with a buffer
# of 65,536 bytes unless Connection.Buffer gives it a larger one. A longer event ends the connection with an error of the scanner,
# the client reconnects with the id of the event before it, the server sends the same event again, and so on: what comes after it
# never arrives. One expects MaxRetries to end that. It does not: each response that begins well starts the count anew, so with
# MaxRetries 3 the client is still asking at the eighth connection. With a buffer of 1 MiB everything arrives over one connection.
#
# Seen on 2026-11-30:
#   buffer as it is: connections 8, of them 7 with Last-Event-ID 1, MaxRetries 3, events 1
#   buffer of 1 MiB: connections 1, of them 0 with Last-Event-ID 1, MaxRetries 3, events 1 2 3
set -eu
command -v go >/dev/null || exit 2
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat > go.mod <<'MOD'
module finding

go 1.23
MOD
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tmaxmax/go-sse"
)

var frames = []string{
	"id: 1\ndata: one\n\n",
	"id: 2\ndata: " + strings.Repeat("x", 70_000) + "\n\n",
	"id: 3\ndata: three\n\n",
}

func listen(name string, bufferBytes int) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var connections, resumed atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := 0
		if r.Header.Get("Last-Event-ID") == "1" {
			resumed.Add(1)
			from = 1
		}
		if connections.Add(1) == 8 {
			cancel()
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, frame := range frames[from:] {
			fmt.Fprint(w, frame)
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	request, _ := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
	client := sse.Client{Backoff: sse.Backoff{InitialInterval: 50 * time.Millisecond, MaxInterval: 50 * time.Millisecond, MaxRetries: 3}}
	connection := client.NewConnection(request)
	if bufferBytes > 0 {
		connection.Buffer(nil, bufferBytes)
	}
	events := ""
	connection.SubscribeToAll(func(event sse.Event) {
		events += " " + event.LastEventID
		if event.LastEventID == "3" {
			cancel()
		}
	})
	connection.Connect()
	fmt.Printf("%s: connections %d, of them %d with Last-Event-ID 1, MaxRetries 3, events%s\n", name, connections.Load(), resumed.Load(), events)
}

func main() {
	listen("buffer as it is", 0)
	listen("buffer of 1 MiB", 1<<20)
}
GO
go get github.com/tmaxmax/go-sse@v0.12.0 >/dev/null 2>&1 || exit 2
go mod tidy >/dev/null 2>&1 || exit 2
go build -o finding . || exit 2
./finding | tee seen.txt
cat > expected.txt <<'TXT'
buffer as it is: connections 8, of them 7 with Last-Event-ID 1, MaxRetries 3, events 1
buffer of 1 MiB: connections 1, of them 0 with Last-Event-ID 1, MaxRetries 3, events 1 2 3
TXT
diff expected.txt seen.txt
