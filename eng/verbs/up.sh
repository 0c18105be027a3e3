# shellcheck shell=bash
# usage: up [-d] [--brokers 1|3] [--postgres CONNECTION]
# usage:                                         Kafka: KAFKA_BOOTSTRAP_SERVERS, else KAFKA_HOME, else the embedded broker;
# usage:                                         install, build, start everything; Ctrl-C stops it. -d returns when all is ready

main() {
  local detach='' brokers='' started=$SECONDS
  while [ $# -gt 0 ]; do
    case $1 in
      -d | --detach) detach=1 ;;
      --brokers)
        brokers=${2:-}
        [[ $brokers == [13] ]] || die "--brokers takes 1 or 3, not '$brokers'"
        shift
        ;;
      --postgres)
        [ -n "${2:-}" ] || die "--postgres takes a connection string"
        export ONCEWARD_POSTGRES=$2
        shift
        ;;
      *) die "up does not know '$1': see ./onceward help" ;;
    esac
    shift
  done

  need_disk "$STATE"
  mkdir -p "$STATE/run" "$STATE/logs"
  [ -z "$detach" ] || { up_detached "$brokers" && return 0; }
  up_lock
  end_leftovers
  trap 'up_stop' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  build
  stage_clean
  insurance_prepare # What can be refused is refused before anything is started.
  up_servers "$brokers"
  up_systems
  up_write_env
  up_report $((SECONDS - started))
  supervise
}

up_lock() {
  take_lock "$STATE/up.lock" "already up (pid $(cat "$STATE/run/launcher.pid" 2>/dev/null)): ./onceward down ends it"
  rm -f "$STATE/run/env"
}

up_servers() { # BROKERS
  local own_postgres='' own_kafka='' name
  if [ -z "${ONCEWARD_POSTGRES:-}" ]; then
    own_postgres=1
    need_port "$POSTGRES_PORT" ONCEWARD_POSTGRES_PORT PostgreSQL
    postgres_prepare
  fi
  if kafka_external; then
    need_bootstrap
  elif kafka_apache; then
    own_kafka=apache
    kafka_prepare "$1"
  else
    [ -z "$1" ] || die "--brokers is for an Apache Kafka: set KAFKA_HOME to an unpacked one"
    own_kafka=embedded
    embedded_prepare
  fi

  if [ -n "$own_postgres" ]; then
    step "starting PostgreSQL"
    first_spawn postgres postgres_run
  fi
  case $own_kafka in
    apache)
      step "starting Kafka ($KAFKA_NODES broker(s))"
      for name in $(kafka_names); do first_spawn "$name" kafka_run "${name#kafka-}"; done
      ;;
    embedded)
      step "starting the embedded Kafka broker"
      embedded_start
      ;;
  esac
  if [ -n "$own_postgres" ]; then
    postgres_ready
    ONCEWARD_POSTGRES=$(postgres_connection onceward onceward)
  fi
  case $own_kafka in
    apache) kafka_ready ;;
    embedded) embedded_ready ;;
  esac
  [ -z "$own_kafka" ] || KAFKA_BOOTSTRAP_SERVERS=$(kafka_bootstrap)
  export ONCEWARD_POSTGRES KAFKA_BOOTSTRAP_SERVERS
  UP_OWN_POSTGRES=$own_postgres
  [ "$own_kafka" != embedded ] || UP_KAFKA_NOTE=' (the embedded broker; production means Apache Kafka)'
}

up_systems() {
  step "starting the insurance system"
  insurance_setup
  insurance_start
  insurance_ready
}

# What `load`, `verify` and others need to talk to what is up. Written last: it also says that all is ready.
up_write_env() {
  local name
  (
    umask 077
    for name in KAFKA_BOOTSTRAP_SERVERS ONCEWARD_POSTGRES INSURANCE_GATEWAY_TOKEN INSURANCE_GATEWAY_ADDRESS INSURANCE_JOURNAL_DIR; do
      [ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
    done >"$STATE/run/env.new"
  )
  mv "$STATE/run/env.new" "$STATE/run/env"
}

up_report() { # SECONDS
  local database='' role
  if [ -n "$UP_OWN_POSTGRES" ]; then database="127.0.0.1:$POSTGRES_PORT, database and user onceward, password in $STATE/postgres/password"; fi
  say "ready after $1 s"
  say "  insurance gateway   127.0.0.1:$INSURANCE_GRPC_PORT (gRPC), token in $STATE/gateway.token"
  for role in "${INSURANCE_ROLES[@]}"; do say "  health              http://127.0.0.1:$(insurance_health_port "$role")/health/ready ($role)"; done
  say "  Kafka               $KAFKA_BOOTSTRAP_SERVERS${UP_KAFKA_NOTE:-}"
  say "  PostgreSQL          ${database:-as given}"
  say "  logs and pid files  $STATE/logs, $STATE/run"
  say "Ctrl-C or ./onceward down stops everything; the data stay."
}

up_stop() {
  local status=$?
  trap '' INT TERM HUP # Stopping once is enough.
  trap - EXIT
  [ ${#RUN[@]} -eq 0 ] || step "stopping"
  settle "${PID[@]}" ${!:+"$!"}
  end_recorded
  rm -f "$STATE/run/env"
  forget_process launcher
  exit "$status"
}

# up_detached BROKERS — the same in a session of its own; follows its words until all is ready.
up_detached() {
  local log=$STATE/logs/up.log pid tail status=0
  ! pid_of launcher >/dev/null || die "already up (pid $(pid_of launcher)): ./onceward down ends it"
  rm -f "$STATE/run/env"
  rotate_log up
  : >"$log"
  # The connection string, which may hold a password, goes by environment.
  setsid "$ROOT/onceward" up ${1:+--brokers "$1"} >"$log" 2>&1 </dev/null &
  pid=$!
  trap 'kill -TERM $pid 2>/dev/null || true; exit 130' INT TERM
  tail -n +1 -s 0.2 -f --pid=$pid "$log" &
  tail=$!
  until [ -f "$STATE/run/env" ]; do
    kill -0 "$pid" 2>/dev/null || { wait "$pid" || status=$?; break; }
    sleep 0.2
  done
  sleep 0.5 # tail shows what was written last
  kill "$tail" 2>/dev/null || true
  wait "$tail" 2>/dev/null || true
  [ -f "$STATE/run/env" ] || exit $((status > 0 ? status : 1))
}
