# shellcheck shell=bash
# Servers of a run's own, on free ports, empty at the start and gone at the end: for tests and benchmarks.

# scratch_begin NAME — from here on STATE is .onceward/NAME.
scratch_begin() {
  STATE=$HOME_STATE/$1
  need_disk "$STATE"
  mkdir -p "$STATE/run"
  take_lock "$STATE/lock" "./onceward $1 already runs in this checkout"
  end_leftovers # of a run that was killed
  remove_data "$STATE"/postgres* "$STATE/kafka" "$STATE/broker" "$STATE/logs" "$STATE/results"
  mkdir -p "$STATE/logs" "$STATE/results"
  trap 'scratch_end' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

scratch_end() {
  local status=$?
  trap '' INT TERM HUP
  trap - EXIT
  scratch_stop
  forget_process launcher
  exit "$status"
}

scratch_stop() {
  settle "${PID[@]}" ${!:+"$!"}
  end_recorded
  remove_data "$STATE"/postgres* "$STATE/kafka" "$STATE/broker" # logs and results stay for whoever asks what happened
}

# scratch_postgres [SETTING…]
scratch_postgres() {
  # shellcheck disable=SC2034 # postgres.sh uses it
  POSTGRES_PORT=$(free_port)
  POSTGRES_SETTINGS+=("$@")
  postgres_prepare
  step "starting $("$POSTGRES_BIN/postgres" --version | sed 's/[^(]*(\(PostgreSQL\)) \([^ ]*\).*/\1 \2/') for this run"
  first_spawn "$POSTGRES_NAME" postgres_run
  postgres_ready
}

# scratch_kafka COUNT
scratch_kafka() {
  until KAFKA_PORT=$(free_port) && ! listening $((KAFKA_PORT + 1000)); do :; done
  kafka_prepare "$1"
  step "starting Kafka for this run ($1 broker(s))"
  local name
  for name in $(kafka_names); do first_spawn "$name" kafka_run "${name#kafka-}"; done
  kafka_ready
}

# scratch_sweep — ends the servers of test, benchmark and fault runs that were killed.
scratch_sweep() {
  local state
  for state in "$HOME_STATE"/{test,bench,faults}; do
    [ -d "$state/run" ] || continue
    (
      STATE=$state
      if ! pid_of launcher >/dev/null; then end_leftovers; fi
    )
  done
}
