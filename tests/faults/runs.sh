#!/usr/bin/env bash
# runs.sh [--seed S] [--minutes N] — the fault run on each back end, ten minutes of seed 1 without it, and one of half the time in which the input topic
# grows. Prints TAP; exit code 1 if a run does not hold, or one of the first does not count. Writes tests/faults/runs.md, a report of each, when all ran and held.
# ONCEWARD_LAUNCHER: another launcher than the checkout's.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
launcher=${ONCEWARD_LAUNCHER:-$ROOT/onceward}
KAFKA_HOME=${KAFKA_HOME:-$ROOT/../shared/kafka}
export KAFKA_HOME
seed=1 minutes=10
while [ $# -gt 0 ]; do
  case $1 in
    --seed) seed=$2 && shift 2 ;;
    --minutes) minutes=$2 && shift 2 ;;
    *) echo "runs.sh does not know '$1'" >&2 && exit 2 ;;
  esac
done
scratch=$(mktemp -d)
running=
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'if [ -n "$running" ]; then kill "$running" 2>/dev/null || true; wait "$running" 2>/dev/null || true; fi; rm -rf "$scratch"' EXIT
commit=$(git -C "$ROOT" describe --always --dirty)
number=0 held=0 failed=0

# one NAME BACKEND ENOUGH OPTION… — ENOUGH: another exit status than 0 that will do; 3 is a run that holds and is too short to count.
one() {
  local name=$1 backend=$2 enough=$3 status=0 verdict
  shift 3
  number=$((number + 1))
  if [ "$backend" = kafka ] && [ ! -x "$KAFKA_HOME/bin/kafka-topics.sh" ]; then
    echo "ok $number - $name # SKIP KAFKA_HOME is not set"
    return
  fi
  "$launcher" verify faults --backend "$backend" "$@" >"$scratch/$number.log" 2>&1 &
  running=$!
  wait "$running" || status=$?
  running=
  verdict=$(tail -1 "$scratch/$number.log")
  if [ "$status" -eq 0 ] || [ "$status" -eq "$enough" ]; then
    echo "ok $number - $name, $*: $verdict"
    held=$((held + 1))
    { printf '\n## %s\n\n```\n' "$name" && sed -n '/^seed [0-9]/,$p' "$scratch/$number.log" && printf '```\n'; } >>"$scratch/reports"
  else
    echo "not ok $number - $name, $* (exit status $status): $verdict"
    sed 's/^/# /' "$scratch/$number.log"
    failed=1
  fi
}

one 'The embedded broker' embedded 0 --seed "$seed" --minutes "$minutes"
one 'Apache Kafka, three nodes' kafka 0 --seed "$seed" --minutes "$minutes"
one 'The embedded broker, the topic growing from 12 to 18 partitions' embedded 3 --seed "$seed" --minutes "$(awk "BEGIN { print $minutes / 2 }")" --grow-to 18
echo "1..$number"

if [ "$held" -eq "$number" ]; then
  {
    printf '# Fault runs\n\n'
    printf "Written by \`tests/faults/runs.sh --seed %s --minutes %s\` at commit %s on %s cores; %s. What each line means: [the fault run](../../docs/proof/fault-run.md).\n" \
      "$seed" "$minutes" "$commit" "$(nproc)" "$(date -u +%F)"
    cat "$scratch/reports"
  } >"$ROOT/tests/faults/runs.md"
fi
exit $failed
