#!/usr/bin/env bash
# kcat of Debian (librdkafka 2.0.2): kcat.sh BOOTSTRAP. TAP on standard output.
# shellcheck disable=SC2317 # the functions are called by check
set -uo pipefail
at=$1 count=0 failed=0
topic=kcat-$$-$RANDOM work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() { # NAME COMMAND…
  local name=$1
  shift
  count=$((count + 1))
  if "$@" >"$work/out" 2>&1; then
    printf 'ok %s - kcat: %s\n' "$count" "$name"
  else
    failed=1
    printf 'not ok %s - kcat: %s\n' "$count" "$name"
    sed 's/^/# /' "$work/out"
  fi
}

run() { timeout 60 kcat -b "$at" "$@"; }

# kcat creates no topic.
create='import sys; from kafka.admin import KafkaAdminClient, NewTopic; KafkaAdminClient(bootstrap_servers=sys.argv[1]).create_topics([NewTopic(sys.argv[2], 4, 1)])'
/usr/bin/python3 -c "$create" "$at" "$topic" || exit 1

codecs_come_back() {
  local codec
  : >"$work/sent"
  for codec in none gzip snappy lz4 zstd; do
    seq -f "$codec %g" 1 200 >>"$work/sent"
    seq -f "$codec %g" 1 200 | run -P -t "$topic" -p 0 -z "$codec" -X acks=all || return 1
  done
  run -C -t "$topic" -p 0 -o beginning -e -q >"$work/read" && diff "$work/sent" "$work/read"
}

idempotent_keys_and_headers_come_back() {
  echo 'key:value' | run -P -t "$topic" -p 1 -K : -H h=x -X enable.idempotence=true || return 1
  [ "$(run -C -t "$topic" -p 1 -o beginning -e -q -f '%k=%s %h %o\n')" = 'key=value h=x 0' ]
}

lists_the_topic() { run -L -t "$topic" | tee "$work/list" | grep -qE "topic \"$topic\" with [0-9]+ partitions" && grep -q "broker .* at $at" "$work/list"; }

tells_offsets() { run -Q -t "$topic:0:-1" | grep -qF "$topic [0] offset 1000"; }

reads_from_the_end() { [ "$(run -C -t "$topic" -p 0 -o -1 -e -q)" = 'zstd 200' ]; }

# The balanced consumer; -c ends it. A second one of the same group finds all read.
group_reads_each_record_once() {
  local group=$topic-group
  timeout 60 kcat -b "$at" -G "$group" -c 1001 -q -X auto.offset.reset=earliest -X session.timeout.ms=10000 "$topic" 2>"$work/err" >"$work/group" || { cat "$work/err" && return 1; }
  [ "$(wc -l <"$work/group")" -eq 1001 ] && [ -z "$(timeout 60 kcat -b "$at" -G "$group" -e -q -X session.timeout.ms=10000 "$topic" 2>/dev/null)" ]
}

check 'every codec comes back' codecs_come_back
check 'an idempotent producer, keys and headers' idempotent_keys_and_headers_come_back
check 'lists the topic and the broker' lists_the_topic
check 'tells offsets' tells_offsets
check 'reads from the end' reads_from_the_end
check 'a group reads each record once' group_reads_each_record_once
printf '1..%s\n' "$count"
exit "$failed"
