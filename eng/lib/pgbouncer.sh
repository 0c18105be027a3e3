# shellcheck shell=bash
# PgBouncer in transaction mode in front of the PostgreSQL that POSTGRES_NAME and POSTGRES_PORT name: for tests.

find_pgbouncer() { PATH=$PATH:/usr/sbin command -v pgbouncer; }

# scratch_pgbouncer — sets PGBOUNCER_CONNECTION, which leads through it to any database.
scratch_pgbouncer() {
  local name=pgbouncer${POSTGRES_NAME#postgres} config users port
  config=$(postgres_home)/pgbouncer.ini users=$(postgres_home)/pgbouncer.users
  port=$(free_port)
  # Three sessions for a database: what the end of a frozen owner takes, and fewer than a test has lanes.
  (umask 077 && printf '"postgres" "%s"\n' "$(postgres_password)" >"$users")
  (umask 077 && cat >"$config") <<INI
[databases]
* = host=127.0.0.1 port=$POSTGRES_PORT user=postgres password=$(postgres_password)
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $users
pool_mode = transaction
default_pool_size = 3
max_client_conn = 500
INI
  if is_root; then chown postgres: "$config" "$users"; fi
  first_spawn "$name" pgbouncer_run "$config"
  await "$name" 30 listening "$port"
  PGBOUNCER_CONNECTION="Host=127.0.0.1;Port=$port;Username=postgres;Password=$(postgres_password);No Reset On Close=true"
}

# pgbouncer_run CONFIG — becomes the pooler, which runs as root as little as the server does.
pgbouncer_run() { exec setsid "${AS_POSTGRES[@]}" "$(find_pgbouncer)" "$1"; }
