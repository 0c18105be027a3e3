# shellcheck shell=bash
# Apache Kafka from an unpacked archive at KAFKA_HOME: one or three KRaft nodes, each broker and controller.
# Callers: kafka_prepare [COUNT], spawn kafka-N kafka_run N, kafka_ready.

KAFKA_PORT=${ONCEWARD_KAFKA_PORT:-9092} # node N listens on this + N - 1, its controller 1000 above
KAFKA_NODES=1

kafka_external() { [ -n "${KAFKA_BOOTSTRAP_SERVERS:-}" ]; }

# kafka_apache — an unpacked Apache Kafka is at hand; without it and without a cluster that runs, the embedded broker is the one.
kafka_apache() { [ -n "${KAFKA_HOME:-}" ]; }

kafka_names() {
  local n
  for ((n = 1; n <= KAFKA_NODES; n++)); do printf 'kafka-%s\n' "$n"; done
}

kafka_bootstrap() {
  local n list=''
  for ((n = 0; n < KAFKA_NODES; n++)); do list+="${list:+,}127.0.0.1:$((KAFKA_PORT + n))"; done
  printf '%s' "$list"
}

# need_bootstrap — the brokers that the user named: at least one of them answers.
need_bootstrap() {
  local server
  for server in ${KAFKA_BOOTSTRAP_SERVERS//,/ }; do
    if listening "${server##*:}" "${server%:*}"; then return 0; fi
  done
  die "no broker answers at KAFKA_BOOTSTRAP_SERVERS=$KAFKA_BOOTSTRAP_SERVERS: correct it, or unset it"
}

need_kafka() {
  kafka_apache || die "no Apache Kafka: set KAFKA_HOME to an unpacked one"
  [ -x "$KAFKA_HOME/bin/kafka-server-start.sh" ] ||
    die "KAFKA_HOME=$KAFKA_HOME holds no Apache Kafka (bin/kafka-server-start.sh is missing): correct it"
  KAFKA_HOME=$(cd "$KAFKA_HOME" && pwd) # The brokers are started from another folder.
  need_java
}

# kafka_version — as the archive names its libraries: kafka_<scala>-<version>.jar
kafka_version() { find "$KAFKA_HOME/libs" -name 'kafka_*-*.jar' -printf '%f\n' | sed -nE 's/^kafka_[0-9.]+-([0-9.]+)\.jar$/\1/p'; }

# kafka_prepare [COUNT] — formats once; the number of nodes is part of what is formatted.
kafka_prepare() {
  local asked=${1:-} home=$STATE/kafka n
  need_kafka
  [ ! -d "$home/embedded" ] ||
    die "the Kafka data here are of the embedded broker: unset KAFKA_HOME, or remove all data with ./onceward down --wipe"
  need_disk "$home"
  if [ -f "$home/nodes" ]; then
    KAFKA_NODES=$(cat "$home/nodes")
    [ -z "$asked" ] || [ "$asked" = "$KAFKA_NODES" ] ||
      die "the Kafka data here are of a cluster with $KAFKA_NODES broker(s), not $asked: leave out --brokers, or remove all data with ./onceward down --wipe"
  else
    KAFKA_NODES=${asked:-1}
  fi
  for ((n = 1; n <= KAFKA_NODES; n++)); do
    need_port $((KAFKA_PORT + n - 1)) ONCEWARD_KAFKA_PORT "Kafka broker $n"
    need_port $((KAFKA_PORT + 1000 + n - 1)) ONCEWARD_KAFKA_PORT "Kafka controller $n (1000 above its broker)"
    kafka_properties "$n" >"$home/node-$n.properties"
    rm -rf "$STATE/logs/kafka-$n" # The archive's own logging rolls by the hour and keeps everything.
  done
  [ -f "$home/nodes" ] || kafka_format
}

kafka_format() {
  local home=$STATE/kafka id n
  local -a pending=()
  step "formatting $KAFKA_NODES Kafka node(s)"
  # A cluster id is a UUID in base64url; one that starts with a dash would read as an option.
  until id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=') && [[ $id != -* ]]; do :; done
  for ((n = 1; n <= KAFKA_NODES; n++)); do
    rm -rf "$home/node-$n" # half a format, if anything: `nodes` is written last
    KAFKA_HEAP_OPTS=-Xmx128m LOG_DIR=$STATE/logs/kafka-$n "$KAFKA_HOME/bin/kafka-storage.sh" \
      format -t "$id" -c "$home/node-$n.properties" >"$STATE/logs/kafka-format-$n.log" 2>&1 &
    pending+=($!)
  done
  for n in "${!pending[@]}"; do
    wait "${pending[n]}" || die_of "$STATE/logs/kafka-format-$((n + 1)).log" "formatting Kafka node $((n + 1)) failed"
  done
  printf '%s\n' "$KAFKA_NODES" >"$home/nodes"
}

kafka_properties() { # N
  local voters='' n copies=$((KAFKA_NODES < 3 ? KAFKA_NODES : 3)) in_sync=$((KAFKA_NODES < 3 ? 1 : 2))
  for ((n = 1; n <= KAFKA_NODES; n++)); do voters+="${voters:+,}$n@127.0.0.1:$((KAFKA_PORT + 1000 + n - 1))"; done
  cat <<PROPERTIES
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$((KAFKA_PORT + $1 - 1)),CONTROLLER://127.0.0.1:$((KAFKA_PORT + 1000 + $1 - 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$((KAFKA_PORT + $1 - 1))
log.dirs=$STATE/kafka/node-$1

# As a production cluster is set up, so that what holds here holds there.
auto.create.topics.enable=false
default.replication.factor=$copies
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$copies
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$in_sync
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$in_sync

# A small machine: few threads, few internal partitions, no waiting for members that are not coming.
num.partitions=3
offsets.topic.num.partitions=12
transaction.state.log.num.partitions=12
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
}

# kafka_run N — becomes the broker: the scripts of the archive end in exec.
kafka_run() {
  export KAFKA_HEAP_OPTS=${KAFKA_HEAP_OPTS:--Xms256m -Xmx512m} LOG_DIR=$STATE/logs/kafka-$1
  export EXTRA_ARGS='-name kafkaServer' # the default adds a log of garbage collections
  cd "$STATE/kafka"
  exec setsid "$KAFKA_HOME/bin/kafka-server-start.sh" "$STATE/kafka/node-$1.properties"
}

kafka_started() { grep -q 'Kafka Server started' "$STATE/logs/$1.log"; }

kafka_ready() {
  local name
  for name in $(kafka_names); do await "$name" 120 kafka_started "$name"; done
}
