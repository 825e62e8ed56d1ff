#!/usr/bin/env bash
# nginx 1.22 and Caddy 2.6 (those of Debian 12) write the query of an address into a second log, which the format of the
# access log does not reach. Both are configured so that the access log has the path alone, as a service does whose
# addresses may hold a token:
#
# - nginx with `log_format … $uri`: when the server behind it is away, error_log (at its default level, `error`) has
#   `request: "GET /path?token=…"`. No directive changes what such a line holds; only the level `crit` leaves it out.
# - Caddy with `log { format filter { … request>uri regexp \?.* "" } }` in the site: the access log is clean, and the error
#   of the same request goes to Caddy's own log, with the address as it was. The filter must stand in the global options.
#
# What a reader would guess is that a log without queries was asked for and is what there is. Tests find it only when they
# take the server away.
#
# Output seen (nginx 1.22.1-9+deb12u11, Caddy 2.6.2-5):
#   nginx access log: query false, other log: query true
#   caddy access log: query false, other log: query true
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
folder=$(mktemp -d)
nginx=
caddy=
trap 'kill ${nginx:-} ${caddy:-} 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
for package in nginx=1.22.1-9+deb12u11 caddy=2.6.2-5; do
  apt-get download -qq "$package" >/dev/null 2>&1 || { echo "cannot be tried here: $package is not to be had"; exit 2; }
done
for archive in ./*.deb; do dpkg -x "$archive" root; done

cat > nginx.conf <<'NGINX'
daemon off;
master_process off;
pid nginx.pid;
error_log other.log;
events {}
http {
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  log_format without_query '$request_method $uri $status';
  access_log access.log without_query;
  server {
    listen 127.0.0.1:18091;
    location / { proxy_pass http://127.0.0.1:1; }
  }
}
NGINX
cat > Caddyfile <<'CADDY'
{
	admin off
	auto_https off
}
http://127.0.0.1:18092 {
	log {
		output file caddy-access.log
		format filter {
			wrap json
			fields {
				request>uri regexp \?.* ""
			}
		}
	}
	reverse_proxy 127.0.0.1:1
}
CADDY
root/usr/sbin/nginx -p "$folder" -c nginx.conf 2>/dev/null & nginx=$!
HOME=$folder root/usr/bin/caddy run --adapter caddyfile --config Caddyfile 2>caddy-other.log & caddy=$!
for port in 18091 18092; do
  for _ in $(seq 50); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET /stream?token=SECRET HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$port" >&3
  timeout 5 cat <&3 >/dev/null || true
  exec 3>&-
done
has() { grep -qs "$1" "$2" && echo true || echo false; }
[ "$(has /stream access.log) $(has /stream caddy-access.log)" = 'true true' ] || { echo 'not even logged'; exit 1; }
line='%s access log: query %s, other log: query %s\n'
seen=$(printf "$line" nginx "$(has SECRET access.log)" "$(has SECRET other.log)"
  printf "$line" caddy "$(has SECRET caddy-access.log)" "$(has SECRET caddy-other.log)")
echo "$seen"
[ "$seen" = "$(printf "$line" nginx false true caddy false true)" ]
