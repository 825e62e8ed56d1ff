#!/bin/sh
# github.com/r3labs/sse/v2 v2.10.0, Go: a subscription ends for good when the server ends its response in order.
#
# An EventSource reconnects after any end of a stream, and servers rely on it: a gateway that is restarted finishes its responses
# and expects its clients at the next one. The Go client reconnects, with back-off, only after an error. When the body ends in
# order (the last chunk, or a proxy's clean close) Subscribe returns nil, which reads as success, and no event comes any more.
# When the same connection is cut in the middle it connects again, with Last-Event-ID. So a caller has to put Subscribe in a loop.
#
# Seen on 2026-11-28:
#   the server ends its response in order: Subscribe returned <nil>, connections 1
#   the server cuts the connection: connected again, Last-Event-ID 1
set -eu
command -v go >/dev/null || exit 2
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
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/r3labs/sse/v2"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	var connections int32
	orderly := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		atomic.AddInt32(&connections, 1)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\ndata: one\n\n")
	}))
	err := sse.NewClient(orderly.URL).SubscribeRawWithContext(ctx, func(*sse.Event) {})
	fmt.Printf("the server ends its response in order: Subscribe returned %v, connections %d\n", err, atomic.LoadInt32(&connections))

	again := make(chan string, 1)
	var tries int32
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if atomic.AddInt32(&tries, 1) > 1 {
			again <- r.Header.Get("Last-Event-ID")
			<-ctx.Done()
			return
		}
		fmt.Fprint(w, "id: 1\ndata: one\n\n")
		w.(http.Flusher).Flush()
		connection, _, _ := w.(http.Hijacker).Hijack()
		connection.Close()
	}))
	go sse.NewClient(cut.URL).SubscribeRawWithContext(ctx, func(*sse.Event) {})
	select {
	case id := <-again:
		fmt.Printf("the server cuts the connection: connected again, Last-Event-ID %s\n", id)
	case <-ctx.Done():
		fmt.Println("the server cuts the connection: not connected again")
	}
}
GO
go get github.com/r3labs/sse/v2@v2.10.0 >/dev/null 2>&1 || exit 2
go mod tidy >/dev/null 2>&1 || exit 2
go build -o finding . || exit 2
./finding | tee seen.txt
cat > expected.txt <<'TXT'
the server ends its response in order: Subscribe returned <nil>, connections 1
the server cuts the connection: connected again, Last-Event-ID 1
TXT
diff expected.txt seen.txt
