# shellcheck shell=bash
# usage: verify …                                hold the journal against the ledger and the topics: nothing lost, nothing twice
# usage: verify faults [--seed S] [--minutes N] [--backend embedded|kafka] …   load and faults on servers of their own, then a check of the whole history

main() {
  if [ "${1:-}" = faults ]; then
    shift
    faults "$@"
  else
    insurance_load verify "$@"
  fi
}

# faults OPTION… — what it does not know itself is the conductor's. Its exit status: 0 holds, 1 violated, 3 holds but is too short to count.
faults() {
  local backend=embedded
  local -a options=()
  while [ $# -gt 0 ]; do
    if [ "$1" = --backend ]; then backend=${2:-}; else options+=("$1"); fi
    if [ "$1" = --backend ]; then shift; fi
    shift
  done
  case $backend in embedded | kafka) ;; *) die "--backend is '$backend': it is embedded or kafka" ;; esac
  if [ "$backend" = kafka ]; then need_kafka; fi
  scratch_begin faults
  build
  # Recovery replays what came after the last checkpoint: often enough that a restart takes a second or two.
  scratch_postgres checkpoint_timeout=30s
  "faults_$backend"
  options+=(--backend "$backend" --postgres "$(postgres_connection postgres postgres)" --state "$STATE")
  faults_conduct "${options[@]}"
}

# The broker tells clients a port where a proxy of the conductor stands, which is how connections are cut and delayed.
faults_embedded() {
  local port advertised
  port=$(free_port)
  until advertised=$(free_port) && [ "$advertised" != "$port" ]; do :; done
  EMBEDDED_PROGRAM=$(stage "$EMBEDDED_PROJECT")/Onceward.Cli.dll
  scratch_embedded broker "$port" --data "$STATE/broker" --auto-create false --advertised-port "$advertised"
  options+=(--broker "broker:$port:$advertised")
}

# A killed node stays away until the controller has fenced it (docs/proof/fault-run.md says why). A new controller counts the session anew.
KAFKA_SESSION=5 KAFKA_AWAY=${KAFKA_AWAY:-10} # seconds

# Three nodes. They speak to each other directly, and to clients through the proxies.
faults_kafka() {
  local n advertised client name
  local -A used=()
  until KAFKA_PORT=$(free_port) && ! listening $((KAFKA_PORT + 1000)); do :; done
  kafka_prepare 3
  for n in 1 2 3; do
    used[$((KAFKA_PORT + n - 1))]=1 used[$((KAFKA_PORT + 1000 + n - 1))]=1
  done
  for n in 1 2 3; do
    until client=$(free_port) && [ -z "${used[$client]:-}" ]; do :; done
    used[$client]=1
    until advertised=$(free_port) && [ -z "${used[$advertised]:-}" ]; do :; done
    used[$advertised]=1
    cat >>"$STATE/kafka/node-$n.properties" <<PROPERTIES

# Behind proxies. The last of two settings of one name counts.
listeners=PLAINTEXT://127.0.0.1:$((KAFKA_PORT + n - 1)),CONTROLLER://127.0.0.1:$((KAFKA_PORT + 1000 + n - 1)),CLIENT://127.0.0.1:$client
advertised.listeners=PLAINTEXT://127.0.0.1:$((KAFKA_PORT + n - 1)),CLIENT://127.0.0.1:$advertised
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
broker.session.timeout.ms=${KAFKA_SESSION}000
broker.heartbeat.interval.ms=1000
PROPERTIES
    options+=(--broker "kafka-$n:$client:$advertised")
  done
  step "starting Kafka for this run (3 brokers)"
  for name in $(kafka_names); do first_spawn "$name" kafka_run "${name#kafka-}"; done
  kafka_ready
}

# faults_conduct OPTION… — the conductor, while servers that it kills are started again at once.
faults_conduct() {
  local program name conductor status=0
  local -A gone=()
  program=$(stage tests/Onceward.Faults)/Onceward.Faults.dll
  (
    trap - EXIT INT TERM HUP
    exec {LOCK}>&-
    record_process conductor "$BASHPID"
    exec setsid dotnet "$program" "$@"
  ) </dev/null &
  conductor=$!
  while kill -0 "$conductor" 2>/dev/null; do
    for name in "${!RUN[@]}"; do
      if running "$name"; then
        unset "gone[$name]"
      elif gone[$name]=${gone[$name]:-$SECONDS} && [[ $name != kafka-* || $((SECONDS - gone[$name])) -ge $KAFKA_AWAY ]]; then
        wait "${PID[$name]}" 2>/dev/null || true
        # shellcheck disable=SC2086 # what RUN holds was words before
        spawn "$name" ${RUN[$name]}
      fi
    done
    sleep 0.2
  done
  wait "$conductor" || status=$?
  forget_process conductor
  return "$status"
}
