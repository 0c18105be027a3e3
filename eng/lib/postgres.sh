# shellcheck shell=bash
# A PostgreSQL of our own: one folder, one port, this machine only. Callers: postgres_prepare, spawn postgres postgres_run, postgres_ready.

POSTGRES_PORT=${ONCEWARD_POSTGRES_PORT:-5433} # Not 5432: the distribution's own server has that.
# Settings of a small machine; `test` adds its own. 300 connections: lanes, relays and pools of all roles with room to spare.
POSTGRES_SETTINGS=(shared_buffers=256MB max_connections=300 max_wal_size=2GB fsync=on)
POSTGRES_NAME=postgres # of the process, and of its folder below STATE
POSTGRES_BIN= POSTGRES_PSQL=
AS_POSTGRES=() # PostgreSQL refuses to run as root

postgres_home() { realpath -m "$STATE/$POSTGRES_NAME"; } # where a link leads: the server's user cannot go through the link

# find_postgres — from PATH (links followed: the programs lie together where they lead), else the highest version in Debian's folder.
find_postgres() {
  local candidate
  for candidate in "$(readlink -f "$(command -v postgres)")" "$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -1)"; do
    POSTGRES_BIN=$(dirname "$candidate")
    if [ -x "$POSTGRES_BIN/postgres" ] && [ -x "$POSTGRES_BIN/initdb" ] && [ -x "$POSTGRES_BIN/psql" ]; then
      POSTGRES_PSQL=$POSTGRES_BIN/psql
      return 0
    fi
  done
  return 1
}

need_postgres() {
  find_postgres || need_packages postgresql
  find_postgres || die "PostgreSQL is missing: install it (Debian: apt-get install postgresql), or set ONCEWARD_POSTGRES to the connection string of one"
  is_root || return 0
  id postgres >/dev/null 2>&1 || die "PostgreSQL does not run as root, and there is no user 'postgres': create it (useradd --system postgres)"
  # setpriv and not su: it becomes the server instead of staying in front of it, so the pid is the server's.
  AS_POSTGRES=(setpriv --reuid=postgres --regid=postgres --init-groups --)
}

# postgres_place — makes the home folder, elsewhere and linked if the server's user cannot reach the checkout (under /root, say).
postgres_place() {
  local home=$STATE/$POSTGRES_NAME elsewhere
  [ ! -e "$home" ] || return 0
  mkdir -p "$STATE"
  if is_root && ! "${AS_POSTGRES[@]}" test -x "$STATE"; then
    mkdir -p /var/lib/onceward
    # A fresh folder each time: one that a removed checkout left behind is neither reused, for it is not ours, nor deleted.
    elsewhere=$(mktemp -d "/var/lib/onceward/$(basename "$ROOT").XXXXXX")
    chmod 755 /var/lib/onceward "$elsewhere"
    ln -s "$elsewhere" "$home"
    step "user postgres cannot reach $STATE: the database lies in $elsewhere"
  else
    mkdir "$home"
  fi
}

postgres_password() { cat "$(postgres_home)/password"; }

# postgres_prepare — folder, password and cluster; nothing if they are there.
postgres_prepare() {
  [ -n "$POSTGRES_BIN" ] || need_postgres
  postgres_place
  local home data have_version want_version
  home=$(postgres_home)
  data=$home/data
  need_disk "$home"
  if [ -f "$data/PG_VERSION" ]; then
    have_version=$(cat "$data/PG_VERSION")
    want_version=$("$POSTGRES_BIN/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    [ "$have_version" = "$want_version" ] ||
      die "the data in $data are PostgreSQL $have_version's, found is $want_version: put $have_version first in PATH, or remove all data with ./onceward down --wipe"
    return 0
  fi
  step "creating the database cluster"
  [ -s "$home/password" ] || (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$home/password")
  rm -rf "$home/new" && mkdir "$home/new" && cp "$home/password" "$home/new/password"
  if is_root; then chown -R postgres: "$home/new"; fi
  (cd "$home/new" && "${AS_POSTGRES[@]}" "$POSTGRES_BIN/initdb" --pgdata="$home/new/data" --username=postgres --pwfile="$home/new/password" \
    --auth=scram-sha-256 --encoding=UTF8 --no-locale) >"$STATE/logs/initdb.log" 2>&1 ||
    die_of "$STATE/logs/initdb.log" "initdb failed: $(grep -m1 -i error "$STATE/logs/initdb.log")"
  # By rename: a data folder is either whole or not there.
  mv "$home/new/data" "$data"
  rm -rf "$home/new"
}

# postgres_run — becomes the server. No socket directory: its default may belong to the distribution's server.
postgres_run() {
  local data setting
  local -a options=()
  data=$(postgres_home)/data
  for setting in "${POSTGRES_SETTINGS[@]}"; do options+=(-c "$setting"); done
  # A server's processes all work in its folder. With none there, the lock file is of a machine or container that went down, and its
  # pid may by now be any process of this user, for which PostgreSQL would wait in vain.
  if [ -z "$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$data" 2>/dev/null)" ]; then rm -f "$data/postmaster.pid"; fi
  cd "$data"
  exec setsid "${AS_POSTGRES[@]}" "$POSTGRES_BIN/postgres" -D "$data" -p "$POSTGRES_PORT" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c log_min_duration_statement=2s -c 'log_line_prefix=%m [%p] %u@%d ' "${options[@]}"
}

postgres_sql() { # DATABASE, statements on standard input; the server logs none of them, for one holds a password
  PGPASSWORD=$(postgres_password) PGCONNECT_TIMEOUT=5 PGOPTIONS='-c log_min_duration_statement=-1 -c log_min_error_statement=panic' \
    "$POSTGRES_PSQL" -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres -d "$1" -qAtX -v ON_ERROR_STOP=1
}

# postgres_ready — waits, then makes role and database if they are missing. The role is no superuser: nothing of ours needs one.
postgres_ready() {
  await "$POSTGRES_NAME" 60 listening "$POSTGRES_PORT"
  await "$POSTGRES_NAME" 60 postgres_answers
  postgres_sql postgres <<SQL
SELECT 'CREATE ROLE onceward LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'onceward') \gexec
ALTER ROLE onceward PASSWORD '$(postgres_password)';
SELECT 'CREATE DATABASE onceward OWNER onceward' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'onceward') \gexec
SQL
}

postgres_answers() { [ "$(postgres_sql postgres <<<'SELECT 1' 2>/dev/null)" = 1 ]; }

postgres_connection() { # ROLE DATABASE — for Npgsql
  printf 'Host=127.0.0.1;Port=%s;Database=%s;Username=%s;Password=%s' "$POSTGRES_PORT" "$2" "$1" "$(postgres_password)"
}
