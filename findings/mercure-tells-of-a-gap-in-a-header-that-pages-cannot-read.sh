#!/bin/sh
# github.com/dunglas/mercure v0.24.2, Go: a client whose last event has left the history misses everything, and an
# EventSource cannot find out.
#
# With Bolt, the store of the free hub, `size` bounds the history. A client that was away until its last event was
# removed returns with Last-Event-ID. One would expect what is still held, or an error. The hub answers 200, sends
# nothing of the past, and names the id from which the stream goes on in a response header, Last-Event-ID. The
# EventSource of browsers gives no page the headers of a response, so the page cannot tell this from having missed
# nothing. The same goes for an id that the hub never had. A client has to read the stream with fetch, or to compare
# numbers of its own within the data.
#
# Seen on 2026-11-29, with a history of two after u1 to u4:
#   after u3: 200, header u3, events u4
#   after u1: 200, header u4, events
#   after never, which no update had: 200, header u4, events
#   after earliest: 200, header earliest, events u3 u4
set -eu
command -v go >/dev/null || exit 2
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat > go.mod <<'MOD'
module finding

go 1.26
MOD
cat > main.go <<'GO'
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/dunglas/mercure"
	"github.com/golang-jwt/jwt/v5"
)

func main() {
	key := []byte("a key of at least thirty-two bytes, for HS256")
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	// two updates are kept, and what is beyond is removed at each publication
	history, err := mercure.NewBoltTransport(mercure.NewSubscriberList(1_000), quiet, os.Args[1], "updates", 2, 1)
	if err != nil {
		panic(err)
	}
	hub, err := mercure.NewHub(context.Background(), mercure.WithTransport(history), mercure.WithAnonymous(),
		mercure.WithPublisherJWT(key, "HS256"), mercure.WithLogger(quiet))
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(hub)
	claims := jwt.MapClaims{"mercure": map[string]any{"publish": []string{"*"}}}
	token, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(key)
	at := server.URL + "/.well-known/mercure"
	for _, id := range []string{"u1", "u2", "u3", "u4"} {
		form := url.Values{"topic": {"kitchen"}, "id": {id}, "data": {id}}
		request, _ := http.NewRequest("POST", at, strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil || response.StatusCode != 200 {
			panic(fmt.Sprint("not published: ", err, response))
		}
	}
	for _, last := range []string{"u3", "u1", "never", "earliest"} {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		request, _ := http.NewRequestWithContext(ctx, "GET", at+"?topic=kitchen", nil)
		request.Header.Set("Last-Event-ID", last)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			panic(err)
		}
		events := []string{}
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if id, is := strings.CutPrefix(lines.Text(), "id: "); is {
				events = append(events, id)
			}
		}
		cancel()
		fmt.Printf("after %s: %d, header %s, events %s\n", last, response.StatusCode,
			response.Header.Get("Last-Event-ID"), strings.Join(events, " "))
	}
	os.Exit(0)
}
GO
go get github.com/dunglas/mercure@v0.24.2 >/dev/null 2>&1 || exit 2
go mod tidy >/dev/null 2>&1 || exit 2
go build -o finding . || exit 2
./finding "$folder/updates.db" | sed 's/ $//' | tee seen.txt
cat > expected.txt <<'TXT'
after u3: 200, header u3, events u4
after u1: 200, header u4, events
after never: 200, header u4, events
after earliest: 200, header earliest, events u3 u4
TXT
diff expected.txt seen.txt
