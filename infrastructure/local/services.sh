#!/usr/bin/env bash
# PostgreSQL, Redis and RabbitMQ for the tests and for development, and NATS where it can be had: without it, `env`
# exports the reason as SKIP_NATS.
#
#   services.sh up     those that answer a login already; else Docker; else private instances (installed with apt when root)
#   services.sh env    prints the export lines of what `up` found or started:  eval "$(infrastructure/local/services.sh env)"
#   services.sh down   ends what `up` started, and nothing else
#   services.sh install <package>...   installs with apt when root, without starting what it installs
#
# SERVICES names the ways to try, in order (default: "reachable docker private"). A private instance has directories, a
# port and, for RabbitMQ, a node name and a cookie of its own; it listens on 127.0.0.1 only and is emptied by `down`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
state=${SERVICES_STATE:-$root/.tocsin/services}
ways=${SERVICES:-reachable docker private}
ways=${ways//,/ }
wait_s=${SERVICES_WAIT_S:-90}
all="postgres redis rabbitmq" # NATS is asked for after these

say() { printf '%s\n' "$*" >&2; }
fail() { say "  ✗ $*"; exit 1; }
now_ms() { node -e 'process.stdout.write(String(Date.now()))'; }

variable_of() { case $1 in postgres) echo DATABASE_URL ;; redis) echo REDIS_URL ;; rabbitmq) echo RABBITMQ_URL ;; nats) echo NATS_URL ;; esac; }

probe() { # reads "service url" lines, prints what answers
  [ -d "$root/node_modules/pg" ] || (cd "$root" && node scripts/ready.mjs >&2)
  node "$here/probe.mjs" "$@"
}

remember() { # remember <service> <url> <how>
  local quoted
  printf -v quoted '%q' "$2"
  printf 'export %s=%s\n' "$(variable_of "$1")" "$quoted" >>"$state/env"
  printf '%s\n' "$1" >>"$state/found"
  say "  ✓ $(printf '%-10s' "$1") $3"
}
missing() { for service in $all; do grep -qsx "$service" "$state/found" || printf '%s ' "$service"; done; }

# ---------------------------------------------------------------------------------------------- reachable

candidates() {
  local service variable
  for service in "$@"; do
    variable=$(variable_of "$service")
    [ -n "${!variable:-}" ] && printf '%s %s\n' "$service" "${!variable}"
    case $service in
      postgres) printf 'postgres postgres://postgres@127.0.0.1:5432/postgres\npostgres postgres://postgres:postgres@127.0.0.1:5432/postgres\n' ;;
      redis) echo 'redis redis://127.0.0.1:6379' ;;
      rabbitmq) echo 'rabbitmq amqp://guest:guest@127.0.0.1:5672' ;;
      nats) echo 'nats nats://127.0.0.1:4222' ;;
    esac
  done
}

up_reachable() {
  local first service rest variable
  while read -r first service rest; do
    if [ "$first" != '!' ]; then
      variable=$(variable_of "$first")
      if [ -n "${!variable:-}" ] && [ "${!variable}" != "$service" ]; then say "  ! $variable is set and does not let us in: not used"; fi
      remember "$first" "$service" "reachable"
    fi
  done < <(candidates "$@" | probe || true)
}

# ---------------------------------------------------------------------------------------------- Docker

up_docker() {
  command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 || return 0
  say "  … Docker: starting $* (the first time downloads their images)"
  export POSTGRES_PORT RABBITMQ_PORT REDIS_PORT
  POSTGRES_PORT=$(free_port 15432) REDIS_PORT=$(free_port 16379) RABBITMQ_PORT=$(free_port 15673)
  local project="tocsin-services-$RABBITMQ_PORT" tell
  printf 'docker %s\n' "$project" >>"$state/started"
  tick "Docker" & tell=$!
  if ! docker compose -p "$project" -f "$root/docker-compose.yml" up -d --wait --wait-timeout "$wait_s" "$@" >"$state/docker.log" 2>&1; then
    kill "$tell" 2>/dev/null || true
    say "  ! Docker could not start them: $(tail -n 1 "$state/docker.log")"
    end_started
    return 0
  fi
  kill "$tell" 2>/dev/null || true
  local service
  for service in "$@"; do
    case $service in
      postgres) remember postgres "postgres://postgres:postgres@127.0.0.1:$POSTGRES_PORT/postgres" "Docker, port $POSTGRES_PORT" ;;
      redis) remember redis "redis://127.0.0.1:$REDIS_PORT" "Docker, port $REDIS_PORT" ;;
      rabbitmq) remember rabbitmq "amqp://tocsin:tocsin@127.0.0.1:$RABBITMQ_PORT" "Docker, port $RABBITMQ_PORT" ;;
    esac
  done
}

tick() { local s=0; while sleep 2; do s=$((s + 2)); say "  … $1 ($s s)"; done; }

# ---------------------------------------------------------------------------------------------- private instances

# Ports below 32768, so that no outgoing connection can sit on them.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 100)); done
  echo "$port"
}

newest_postgres_bin() {
  local directory
  for directory in $(ls -d /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin 2>/dev/null | sort -V -r); do
    [ -x "$directory/initdb" ] && { echo "$directory"; return; }
  done
  command -v initdb >/dev/null 2>&1 && dirname "$(command -v initdb)"
}
rabbitmq_program() {
  local program
  # Debian's own wrapper on the PATH fixes user and HOME, which a private instance brings itself.
  for program in /usr/lib/rabbitmq/bin/rabbitmq-server "$(command -v rabbitmq-server 2>/dev/null || true)"; do
    [ -n "$program" ] && [ -x "$program" ] && { echo "$program"; return; }
  done
}
program_of() {
  case $1 in postgres) newest_postgres_bin ;; redis) command -v redis-server || true ;; rabbitmq) rabbitmq_program ;; nats) command -v nats-server || ls /usr/sbin/nats-server 2>/dev/null || true ;; esac
}

install_missing() {
  local service packages=""
  for service in "$@"; do
    [ -n "$(program_of "$service")" ] && continue
    case $service in postgres) packages="$packages postgresql" ;; redis) packages="$packages redis-server" ;; rabbitmq) packages="$packages rabbitmq-server" ;; esac
  done
  [ -z "$packages" ] || apt_install $packages
}

made_policy=""
forget_policy() { [ -z "$made_policy" ] || rm -f "$made_policy"; made_policy=""; }

apt_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 ||
    fail "Missing: $*. Install them, or start Docker, or set DATABASE_URL, REDIS_URL and RABBITMQ_URL."
  say "  … installing $* with apt-get (the first time only)"
  local tell policy=/usr/sbin/policy-rc.d failed=""
  # Installing a package must not start a system service on this machine: Debian asks this script first.
  if [ ! -e "$policy" ]; then printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; made_policy=$policy; fi
  tick "apt-get" & tell=$!
  {
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
  } </dev/null >"$state/apt.log" 2>&1 || failed=1
  kill "$tell" 2>/dev/null || true
  forget_policy
  [ -z "$failed" ] || { tail -n 5 "$state/apt.log" >&2; fail "apt-get could not install $* (all of it: $state/apt.log)."; }
}

# Sets `as` to what runs a program as the given user when we are root (PostgreSQL refuses to run as root), else to a no-op.
become() {
  if [ "$(id -u)" = 0 ] && id "$1" >/dev/null 2>&1; then as=(setpriv --reuid="$1" --regid="$1" --init-groups --); else as=(env); fi
}

# launch <service> <user> <program> [argument]...: in a session of its own, so that it outlives this terminal and ends as one group.
launch() {
  local service=$1 user=$2 apart=nohup pid; shift 2
  command -v setsid >/dev/null 2>&1 && apart=setsid
  become "$user"
  "$apart" "${as[@]}" "$@" </dev/null >"$data/$service.log" 2>&1 &
  pid=$!
  disown "$pid"
  printf 'process %s %s %s\n' "$service" "$pid" "$(born "$pid")" >>"$state/started"
}
born() { ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_'; }

own() { mkdir -p "$2"; chmod 700 "$2"; if [ "$(id -u)" = 0 ] && id "$1" >/dev/null 2>&1; then chown -R "$1" "$2"; fi; }

start_postgres() { # trust: it listens on 127.0.0.1 only and holds what tests make
  local port=$1 bin ctype=()
  bin=$(newest_postgres_bin)
  own postgres "$data/postgres"
  become postgres
  # with LC_CTYPE C, searches would ignore the case of ASCII letters alone
  case " $(locale -a 2>/dev/null | tr '\n' ' ') " in *' C.utf8 '* | *' C.UTF-8 '*) ctype=(--lc-ctype=C.UTF-8) ;; esac
  "${as[@]}" "$bin/initdb" -D "$data/postgres" -U postgres --auth=trust -E UTF8 --locale=C ${ctype[@]+"${ctype[@]}"} --no-sync >"$data/initdb.log" 2>&1 </dev/null ||
    { tail -n 5 "$data/initdb.log" >&2; fail "initdb failed."; }
  launch postgres postgres "$bin/postgres" -D "$data/postgres" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off -c max_connections=200
}

start_redis() {
  own redis "$data/redis"
  launch redis redis "$(program_of redis)" --port "$1" --bind 127.0.0.1 --dir "$data/redis" --save '' --appendonly no --daemonize no
}

start_rabbitmq() {
  local port=$1 home=$data/rabbitmq epmd
  mkdir -p "$home"
  printf '%s' "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" >"$home/.erlang.cookie"
  chmod 400 "$home/.erlang.cookie"
  : >"$home/rabbitmq-env.conf"
  printf 'listeners.tcp.1 = 127.0.0.1:%s\ndisk_free_limit.absolute = 50MB\nlog.file.level = warning\n' "$port" >"$home/rabbitmq.conf"
  echo '[].' >"$home/enabled_plugins"
  own rabbitmq "$home"
  # A port mapper of its own: Erlang would start a shared one that is never stopped.
  epmd=$(command -v epmd || ls /usr/lib/erlang/erts-*/bin/epmd 2>/dev/null | head -n 1 || true)
  [ -n "$epmd" ] && launch epmd rabbitmq "$epmd" -port "$((port + 2))" -address 127.0.0.1
  launch rabbitmq rabbitmq env -u RABBITMQ_URL HOME="$home" ERL_EPMD_PORT="$((port + 2))" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_NODENAME="tocsin-$port@localhost" RABBITMQ_DIST_PORT="$((port + 1))" RABBITMQ_CONF_ENV_FILE="$home/rabbitmq-env.conf" \
    RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$home/none" RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins" \
    RABBITMQ_MNESIA_BASE="$home/mnesia" RABBITMQ_LOG_BASE="$home/log" RABBITMQ_PID_FILE="$home/pid" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' "$(rabbitmq_program)"
}

start_nats() {
  own nats "$data/nats"
  launch nats nats "$(program_of nats)" --addr 127.0.0.1 --port "$1" --jetstream --store_dir "$data/nats"
}

# A directory for the data of private instances, once.
data=""
make_data() {
  [ -z "$data" ] || return 0
  data=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-services.XXXXXX")
  chmod 711 "$data" # each service runs as its own user and must pass through
  printf 'directory %s\n' "$data" >>"$state/started"
}

up_private() {
  install_missing "$@"
  make_data
  local service port url lines=""
  for service in "$@"; do
    case $service in
      postgres) port=$(free_port 15432); url="postgres://postgres@127.0.0.1:$port/postgres" ;;
      redis) port=$(free_port 16379); url="redis://127.0.0.1:$port" ;;
      rabbitmq) port=$(free_port 15673); url="amqp://guest:guest@127.0.0.1:$port" ;;
      nats) port=$(free_port 14222); url="nats://127.0.0.1:$port" ;;
    esac
    say "  … starting a private $service on port $port"
    "start_$service" "$port"
    lines="$lines$service $url"$'\n'
  done
  local answer bad=""
  answer=$(printf '%s' "$lines" | probe --wait "$wait_s") || bad=1
  local first second rest
  while read -r first second rest; do
    if [ "$first" = '!' ]; then say "  ✗ $second: $rest; the end of its log:"; tail -n 5 "$data/$second.log" >&2; continue; fi
    port=${second##*:}
    remember "$first" "$second" "private, port ${port%%/*}"
  done <<<"$answer"
  [ -z "$bad" ] || fail "Not every service came up."
}

# ---------------------------------------------------------------------------------------------- NATS

# One that answers, else a private one. No test but those of NATS needs it, so its absence is no failure.
up_nats() {
  case " $ways " in *" reachable "*) up_reachable nats ;; esac
  grep -qsx nats "$state/found" && return 0
  local reason="no NATS answers"
  case " $ways " in
    *" private "*)
      [ -n "$(program_of nats)" ] || (apt_install nats-server) || true
      if [ -z "$(program_of nats)" ]; then reason="nats-server is not installed"; else
        make_data
        # no failure of its start ends this script
        (up_private nats) || reason="nats-server did not start"
      fi
      ;;
  esac
  grep -qsx nats "$state/found" && return 0
  printf 'export SKIP_NATS=%q\n' "$reason" >>"$state/env"
  say "  - nats       $reason: its tests are skipped"
}

# ---------------------------------------------------------------------------------------------- the three commands

still_up() {
  [ -s "$state/env" ] && [ -z "$(missing)" ] || return 1
  # shellcheck disable=SC1091
  (unset NATS_URL && . "$state/env" && printf '%s\n' "postgres $DATABASE_URL" "redis $REDIS_URL" "rabbitmq $RABBITMQ_URL" \
    ${NATS_URL:+"nats $NATS_URL"} | probe >/dev/null)
}

up() {
  mkdir -p "$state"
  touch "$state/found"
  if [ "$(cat "$state/ways" 2>/dev/null)" = "$ways ${DATABASE_URL:-} ${REDIS_URL:-} ${RABBITMQ_URL:-} ${NATS_URL:-}" ] && still_up; then return 0; fi
  down
  mkdir -p "$state"
  chmod 700 "$state"
  : >"$state/env"
  : >"$state/found"
  local started_ms way
  started_ms=$(now_ms)
  trap 'forget_policy; [ -z "$(missing)" ] || down' EXIT
  trap 'exit 130' INT TERM
  for way in $ways; do
    # shellcheck disable=SC2046
    [ -z "$(missing)" ] || "up_$way" $(missing)
  done
  [ -z "$(missing)" ] || fail "No way to: $(missing)(tried: $ways)."
  up_nats
  printf '%s' "$ways ${DATABASE_URL:-} ${REDIS_URL:-} ${RABBITMQ_URL:-} ${NATS_URL:-}" >"$state/ways"
  say "  ✓ services   $((($(now_ms) - started_ms) / 1000)) s"
}

alive() { [ "$(born "$1")" = "$2" ]; }

# Ends what is on record as started by `up`: a pid counts only with the time it was born, because pids come back.
end_started() {
  [ -f "$state/started" ] || return 0
  local kind first second third turn
  while read -r kind first second third; do
    case $kind in
      docker) docker compose -p "$first" -f "$root/docker-compose.yml" down -v --remove-orphans >/dev/null 2>&1 </dev/null || true ;;
      process)
        alive "$second" "$third" || continue
        case $first in postgres) kill -INT "$second" ;; epmd) : ;; *) kill -TERM "$second" ;; esac 2>/dev/null || true
        ;;
    esac
  done <"$state/started"
  while read -r kind first second third; do
    [ "$kind" = process ] || continue
    for turn in $(seq 1 100); do
      alive "$second" "$third" || break
      [ "$first" = epmd ] && kill -TERM "$second" 2>/dev/null
      [ "$turn" = 100 ] && { kill -KILL -- "-$second" 2>/dev/null || kill -KILL "$second" 2>/dev/null || true; }
      [ $((turn % 30)) = 0 ] && say "  … waiting for $first to end"
      sleep 0.1
    done
  done < <(grep -v ' epmd ' "$state/started"; grep ' epmd ' "$state/started")
  while read -r kind first _; do
    # Only a directory that mktemp made for us.
    case "$kind $first" in "directory "*/tocsin-services.??????) rm -rf "$first" ;; esac
  done <"$state/started"
  rm -f "$state/started"
}

down() {
  end_started
  rm -f "$state/env" "$state/found" "$state/ways"
}

case ${1:-} in
  up) up ;;
  env) [ -s "$state/env" ] || fail "Nothing is up: services.sh up"; cat "$state/env" ;;
  down) down ;;
  install) shift; mkdir -p "$state"; trap forget_policy EXIT; trap 'exit 130' INT TERM; apt_install "$@" ;;
  *) say "usage: services.sh up|env|down|install"; exit 64 ;;
esac
