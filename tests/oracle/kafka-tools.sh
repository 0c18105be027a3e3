#!/usr/bin/env bash
# Apache Kafka's own Java tools against a broker: kafka-tools.sh [--at BOOTSTRAP].
# Without --at an embedded broker is started. TAP on standard output; a run on the embedded broker writes the table tests/oracle/kafka-tools.md.
# shellcheck disable=SC2317 # the tools' functions are called by name
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=/dev/null
source "$ROOT/tests/oracle/lib.sh"
TABLE=$ROOT/tests/oracle/kafka-tools.md
COUNT=0 FAULTS=0 ROWS=()

main() {
  AT=''
  if [ "${1:-}" = --at ]; then AT=$2; fi
  oracle_kafka_home || skip_all "no Apache Kafka at hand: set KAFKA_HOME"
  need_java
  oracle_begin kafka-tools >&2
  export KAFKA_HEAP_OPTS=-Xmx256m
  if [ -z "$AT" ]; then
    oracle_broker tools --auto-create false
    AT=$ORACLE_ADDRESS
  fi
  TOPIC=tools-$$ GROUP=group-$$ WORK=$STATE/work
  rm -rf "$WORK" && mkdir -p "$WORK"
  check broker-api-versions 'lists what the broker speaks' api_versions
  check topics 'creates, describes, grows, lists' topics
  check console-producer 'writes lines with keys' console_producer
  check console-consumer 'reads them back in a group' console_consumer
  check consumer-groups 'describes lag and state, resets offsets, deletes' consumer_groups
  check groups 'lists groups' groups_tool
  check get-offsets 'tells the ends, by time too' get_offsets
  check configs 'alters and describes a topic' configs
  check producer-perf-test 'sends 50,000 records' producer_perf
  check consumer-perf-test 'reads them' consumer_perf
  check verifiable-producer 'has each of 1,000 values acknowledged' verifiable_producer
  check verifiable-consumer 'reads and commits them' verifiable_consumer
  check transactional-message-copier 'copies them exactly once' message_copier
  check transactions 'lists and describes transactions' transactions
  check delete-records 'moves the start of a log' delete_records
  check log-dirs 'tells sizes' log_dirs
  check e2e-latency 'makes 200 round trips' e2e_latency
  # The files of another broker are not ours to look for.
  if [ -n "${ORACLE_EMBEDDED:-}" ]; then check dump-log 'reads our segments' dump_log; fi
  printf '1..%s\n' "$COUNT"
  if [ -n "${ORACLE_EMBEDDED:-}" ]; then write_table; fi
  return "$FAULTS"
}

tool() { timeout 120 "$KAFKA_HOME/bin/kafka-$1.sh" "${@:2}"; }

# Not every archive's script names the class where it lies.
config_tool() { timeout 120 "$KAFKA_HOME/bin/kafka-run-class.sh" kafka.admin.ConfigCommand "$@"; }

# says PATTERN COMMAND… — reads all of it: a tool whose reader goes away fails.
says() { "${@:2}" | tee "$WORK/says" && grep -qE -- "$1" "$WORK/says"; }

# never PATTERN COMMAND… — it succeeds and does not say that.
never() { "${@:2}" >"$WORK/says" && [ "$(grep -cE -- "$1" "$WORK/says")" = 0 ]; }

check() { # TOOL WHAT FUNCTION
  COUNT=$((COUNT + 1))
  local verdict=ok status=0 log=$STATE/logs/$1.log began=$SECONDS
  # Not as a condition: set -e has to hold inside.
  set +e
  (set -e && "$3") >"$log" 2>&1
  status=$?
  set -e
  [ "$status" -eq 0 ] || { verdict='not ok' && FAULTS=1; }
  printf '%s %s - %s: %s\n' "$verdict" "$COUNT" "$1" "$2"
  [ "$status" -eq 0 ] || tail -15 "$log" | sed 's/^/# /'
  ROWS+=("| $1 | $2 | $verdict | $((SECONDS - began)) s |")
}

api_versions() { says 'Produce\(0\): 0 to ' tool broker-api-versions --bootstrap-server "$AT"; }

topics() {
  tool topics --bootstrap-server "$AT" --create --topic "$TOPIC" --partitions 2 --replication-factor 1 --config retention.ms=3600000
  tool topics --bootstrap-server "$AT" --alter --topic "$TOPIC" --partitions 3
  says 'PartitionCount: 3.*retention.ms=3600000' tool topics --bootstrap-server "$AT" --describe --topic "$TOPIC"
  says "^$TOPIC\$" tool topics --bootstrap-server "$AT" --list
  ! tool topics --bootstrap-server "$AT" --create --topic "$TOPIC" --partitions 2
}

console_producer() { seq -f '%g' 1 300 | sed 's/.*/k&:v&/' | tool console-producer --bootstrap-server "$AT" --topic "$TOPIC" --reader-property parse.key=true --reader-property key.separator=:; }

console_consumer() {
  tool console-consumer --bootstrap-server "$AT" --topic "$TOPIC" --group "$GROUP" --from-beginning --max-messages 300 --timeout-ms 60000 >"$WORK/read"
  diff <(seq -f 'v%g' 1 300 | LC_ALL=C sort) <(LC_ALL=C sort "$WORK/read")
}

consumer_groups() {
  local of=(consumer-groups --bootstrap-server "$AT" --group "$GROUP")
  tool "${of[@]}" --describe | tee "$WORK/described"
  [ "$(awk -v t="$TOPIC" '$2 == t {end += $5; lag += $6} END {print end, lag}' "$WORK/described")" = '300 0' ]
  says Empty tool "${of[@]}" --describe --state
  says "^$GROUP\$" tool consumer-groups --bootstrap-server "$AT" --list
  tool "${of[@]}" --reset-offsets --to-earliest --topic "$TOPIC" --execute
  [ "$(tool "${of[@]}" --describe | awk -v t="$TOPIC" '$2 == t {lag += $6} END {print lag}')" = 300 ]
  tool "${of[@]}" --delete-offsets --topic "$TOPIC"
  tool "${of[@]}" --delete || ! says "^$GROUP\$" tool consumer-groups --bootstrap-server "$AT" --list
}

groups_tool() {
  tool console-consumer --bootstrap-server "$AT" --topic "$TOPIC" --group "$GROUP-listed" --from-beginning --max-messages 1 --timeout-ms 60000
  says "$GROUP-listed.*Classic" tool groups --bootstrap-server "$AT" --list
}

get_offsets() {
  [ "$(tool get-offsets --bootstrap-server "$AT" --topic "$TOPIC" | tee /dev/stderr | awk -F: '{sum += $3} END {print sum}')" = 300 ]
  [ "$(tool get-offsets --bootstrap-server "$AT" --topic "$TOPIC" --time earliest | awk -F: '{sum += $3} END {print sum}')" = 0 ]
  tool get-offsets --bootstrap-server "$AT" --topic "$TOPIC" --time max-timestamp
  [ "$(tool get-offsets --bootstrap-server "$AT" --topic "$TOPIC" --time 1000 | awk -F: '{sum += $3} END {print sum}')" = 0 ]
}

configs() {
  local of=(--bootstrap-server "$AT" --entity-type topics --entity-name "$TOPIC")
  config_tool "${of[@]}" --alter --add-config max.message.bytes=2000000,segment.ms=700000
  config_tool "${of[@]}" --describe | tee "$WORK/configs"
  grep -q 'max.message.bytes=2000000' "$WORK/configs"
  config_tool "${of[@]}" --alter --delete-config segment.ms
  never segment.ms=700000 config_tool "${of[@]}" --describe
  says cleanup.policy=delete config_tool "${of[@]}" --describe --all
  ! config_tool "${of[@]}" --alter --add-config no.such.config=1
}

producer_perf() {
  tool topics --bootstrap-server "$AT" --create --topic "$TOPIC-perf" --partitions 1
  says '50000 records sent' tool producer-perf-test --topic "$TOPIC-perf" --num-records 50000 --record-size 100 --throughput -1 --producer-props "bootstrap.servers=$AT"
  [ "$(tool get-offsets --bootstrap-server "$AT" --topic "$TOPIC-perf")" = "$TOPIC-perf:0:50000" ]
}

consumer_perf() {
  tool consumer-perf-test --bootstrap-server "$AT" --topic "$TOPIC-perf" --messages 50000 --timeout 60000 | tee "$WORK/perf"
  awk -F', *' 'NR > 1 && $5 >= 50000 {found = 1} END {exit !found}' "$WORK/perf"
}

verifiable_producer() {
  tool topics --bootstrap-server "$AT" --create --topic "$TOPIC-verified" --partitions 1
  tool verifiable-producer --bootstrap-server "$AT" --topic "$TOPIC-verified" --max-messages 1000 --acks -1 >"$WORK/produced"
  [ "$(grep -c producer_send_success "$WORK/produced")" -eq 1000 ]
}

verifiable_consumer() {
  tool verifiable-consumer --bootstrap-server "$AT" --topic "$TOPIC-verified" --group-id "$GROUP-verified" --max-messages 1000 --reset-policy earliest >"$WORK/consumed"
  # Each line of it counts first for all partitions, then for each.
  [ "$(grep records_consumed "$WORK/consumed" | sed 's/.*"records_consumed","count":\([0-9]*\).*/\1/' | awk '{sum += $1} END {print sum}')" = 1000 ]
  [ "$(tool consumer-groups --bootstrap-server "$AT" --group "$GROUP-verified" --describe | awk -v t="$TOPIC-verified" '$2 == t {sum += $4} END {print sum}')" = 1000 ]
}

message_copier() {
  tool topics --bootstrap-server "$AT" --create --topic "$TOPIC-copied" --partitions 2
  tool transactional-message-copier --broker-list "$AT" --transactional-id "$TOPIC-0" --input-topic "$TOPIC-verified" --input-partition 0 \
    --output-topic "$TOPIC-copied" --consumer-group "$GROUP-copier" --transaction-size 100 --max-messages 1000 --enable-random-aborts
  tool console-consumer --bootstrap-server "$AT" --topic "$TOPIC-copied" --from-beginning --max-messages 1001 --timeout-ms 8000 --isolation-level read_committed >"$WORK/copies" || true
  diff <(seq 0 999) <(sort -n "$WORK/copies")
}

transactions() {
  tool transactions --bootstrap-server "$AT" list | tee "$WORK/transactions"
  grep -qE "$TOPIC-0[[:space:]].*CompleteCommit" "$WORK/transactions"
  says CompleteCommit tool transactions --bootstrap-server "$AT" describe --transactional-id "$TOPIC-0"
}

delete_records() {
  printf '{"partitions": [{"topic": "%s", "partition": 0, "offset": 1000}], "version": 1}' "$TOPIC-perf" >"$WORK/delete.json"
  says 'low_watermark: 1000' tool delete-records --bootstrap-server "$AT" --offset-json-file "$WORK/delete.json"
  [ "$(tool get-offsets --bootstrap-server "$AT" --topic "$TOPIC-perf" --time earliest)" = "$TOPIC-perf:0:1000" ]
}

log_dirs() { says '"size":[0-9]{5,}' tool log-dirs --bootstrap-server "$AT" --describe --topic-list "$TOPIC-perf"; }

e2e_latency() {
  tool topics --bootstrap-server "$AT" --create --topic "$TOPIC-round" --partitions 1
  says 'Percentiles' tool e2e-latency --bootstrap-server "$AT" --topic "$TOPIC-round" --num-records 200 --producer-acks all --record-size 100
}

# The files are read while the broker has them open: what was acknowledged is there.
dump_log() {
  local file
  file=$(find "$STATE/broker" -path "*$TOPIC-verified-0*" -name '*.log' | head -1)
  tool dump-log --files "$file" --print-data-log --deep-iteration >"$WORK/dump"
  [ "$(grep -c ' payload: ' "$WORK/dump")" = "$(tool get-offsets --bootstrap-server "$AT" --topic "$TOPIC-verified" --partitions 0 | cut -d: -f3)" ]
  never 'isvalid: false' cat "$WORK/dump"
  # An index is written when its segment is closed; whichever are there have to be sound.
  while read -r file; do
    tool dump-log --files "$file" --index-sanity-check
  done < <(find "$STATE/broker" -path "*$TOPIC-*" \( -name '*.index' -o -name '*.timeindex' \) | head -4)
}

write_table() {
  {
    printf '# Apache Kafka %s tools on the embedded broker\n\n' "$(find "$KAFKA_HOME/libs" -name 'kafka_*-*.jar' -printf '%f\n' | sed -nE 's/^kafka_[0-9.]+-([0-9.]+)\.jar$/\1/p')"
    printf "Written by \`tests/oracle/kafka-tools.sh\` at commit %s; %s.\n\n| tool | what is asserted | result | with Java's start |\n|---|---|---|---|\n" "$(git -C "$ROOT" describe --always --dirty)" "$(machine)"
    printf '%s\n' "${ROWS[@]}"
  } >"$TABLE.new"
  mv "$TABLE.new" "$TABLE"
}

main "$@"
