# shellcheck shell=bash
# The embedded broker as a process of its own. The only place that knows how it is started.

EMBEDDED_PROJECT=tools/Onceward.Cli

# embedded_at_hand — whether this checkout can start one.
embedded_at_hand() { [ -d "$ROOT/src/Onceward.Broker" ] && grep -rqsF '"broker"' "$ROOT/$EMBEDDED_PROJECT" --include='*.cs'; }

# embedded_program — what was built; the launcher runs a copy (see stage), scripts by themselves run it where it lies.
embedded_program() { printf '%s' "${EMBEDDED_PROGRAM:-$ROOT/$EMBEDDED_PROJECT/bin/Release/net10.0/Onceward.Cli.dll}"; }

# embedded_run PORT OPTION… — becomes the broker.
embedded_run() {
  local port=$1
  shift
  exec setsid dotnet "$(embedded_program)" broker --port "$port" "$@"
}

# scratch_embedded NAME PORT OPTION… — one for this run, which ends with it.
scratch_embedded() {
  local name=$1 port=$2
  shift 2
  step "starting the embedded broker for this run ($name)"
  first_spawn "$name" embedded_run "$port" "$@"
  await "$name" 60 listening "$port"
}

# embedded_prepare — for `up`: its records lie beside PostgreSQL's, and go with them.
embedded_prepare() {
  [ ! -f "$STATE/kafka/nodes" ] ||
    die "the Kafka data here are of an Apache Kafka: set KAFKA_HOME, or remove all data with ./onceward down --wipe"
  need_disk "$STATE/kafka"
  mkdir -p "$STATE/kafka"
  need_port "$KAFKA_PORT" ONCEWARD_KAFKA_PORT "the embedded Kafka broker"
  EMBEDDED_PROGRAM=$(stage "$EMBEDDED_PROJECT")/Onceward.Cli.dll
  export EMBEDDED_PROGRAM
}

embedded_start() {
  first_spawn broker embedded_run "$KAFKA_PORT" --data "$STATE/kafka/embedded"
}

embedded_ready() { await broker 60 listening "$KAFKA_PORT"; }
