# shellcheck shell=bash
# shellcheck disable=SC2034 # who sources this uses them
# What the oracles share: the launcher's libraries, a state folder of their own, embedded brokers that end with the run. Needs ROOT.

HOME_STATE=$ROOT/.onceward STATE=$ROOT/.onceward
for library in say tools lock process disk ports dotnet supervise postgres kafka embedded scratch stage tally; do
  # shellcheck source=/dev/null
  source "$ROOT/eng/lib/$library.sh"
done

# oracle_kafka_home — Apache Kafka's tools are needed: KAFKA_HOME, or the folder beside the checkout.
oracle_kafka_home() {
  KAFKA_HOME=${KAFKA_HOME:-$ROOT/../shared/kafka}
  [ -x "$KAFKA_HOME/bin/kafka-topics.sh" ] || return 1
  KAFKA_HOME=$(cd "$KAFKA_HOME" && pwd)
  export KAFKA_HOME
}

# oracle_begin NAME — nothing of an earlier run is left, and nothing of this one will be.
oracle_begin() {
  scratch_begin "oracle-$1"
}

# oracle_broker NAME OPTION… — an embedded broker on a free port and an empty folder; ORACLE_ADDRESS is where.
oracle_broker() {
  local name=$1 port
  shift
  ORACLE_EMBEDDED=1
  port=$(free_port)
  scratch_embedded "broker-$name" "$port" --data "$STATE/broker/$name" "$@" >&2
  ORACLE_ADDRESS=127.0.0.1:$port
}

skip_all() {
  printf 'ok 1 - %s # SKIP %s\n1..1\n' "$(basename "$0" .sh)" "$1"
  exit 0
}

machine() { printf '%s cores, %s GiB, Linux %s' "$(nproc)" "$(awk '/MemTotal/ {printf "%.0f", $2 / 1048576}' /proc/meminfo)" "$(uname -r | cut -d- -f1)"; }
