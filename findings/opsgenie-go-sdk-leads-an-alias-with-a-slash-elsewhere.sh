#!/bin/sh
# github.com/opsgenie/opsgenie-go-sdk-v2 v1.2.23, Go: an alert whose alias has a slash can be raised and not closed.
#
# An alias is any text of up to 512 characters, and names of the monitored thing are often taken for it: a mount point, a topic, an
# URL. To create an alert the client sends the alias in the body, where all of it arrives. To close, acknowledge or annotate it, it
# puts the alias into the path. It escapes a question mark, a blank or a percent sign there, so one expects the same of a slash. The
# slash stays as it is, and the request asks for another path, which a server answers with 404 unless it takes all that is between
# /alerts/ and /close for the alias.
#
# Seen on 2026-11-30:
#   create: alias "disk full? node 1" arrives as "disk full? node 1"
#   close: asks for /v2/alerts/disk%20full%3F%20node%201/close?identifierType=alias
#   create: alias "node-1/var/log" arrives as "node-1/var/log"
#   close: asks for /v2/alerts/node-1/var/log/close?identifierType=alias
set -eu
command -v go >/dev/null || exit 2
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat > go.mod <<'MOD'
module finding

go 1.21
MOD
cat > main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/opsgenie/opsgenie-go-sdk-v2/alert"
	"github.com/opsgenie/opsgenie-go-sdk-v2/client"
	"github.com/sirupsen/logrus"
)

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/alerts" {
			var body struct{ Alias string }
			json.NewDecoder(r.Body).Decode(&body)
			fmt.Printf(" arrives as %q\n", body.Alias)
		} else {
			fmt.Printf("close: asks for %s\n", r.RequestURI)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"result": "Request will be processed", "took": 0.1, "requestId": "1"}`)
	}))
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	address := client.ApiUrl(strings.TrimPrefix(server.URL, "http://"))
	alerts, err := alert.NewClient(&client.Config{ApiKey: "key", OpsGenieAPIURL: address, Logger: quiet})
	if err != nil {
		panic(err)
	}
	for _, alias := range []string{"disk full? node 1", "node-1/var/log"} {
		fmt.Printf("create: alias %q", alias)
		alerts.Create(context.Background(), &alert.CreateAlertRequest{Message: "disk full", Alias: alias})
		alerts.Close(context.Background(), &alert.CloseAlertRequest{IdentifierType: alert.ALIAS, IdentifierValue: alias})
	}
}
GO
go get github.com/opsgenie/opsgenie-go-sdk-v2@v1.2.23 >/dev/null 2>&1 || exit 2
go mod tidy >/dev/null 2>&1 || exit 2
go build -o finding . || exit 2
./finding | tee seen.txt
cat > expected.txt <<'TXT'
create: alias "disk full? node 1" arrives as "disk full? node 1"
close: asks for /v2/alerts/disk%20full%3F%20node%201/close?identifierType=alias
create: alias "node-1/var/log" arrives as "node-1/var/log"
close: asks for /v2/alerts/node-1/var/log/close?identifierType=alias
TXT
diff expected.txt seen.txt
