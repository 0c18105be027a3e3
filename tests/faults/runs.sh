#!/usr/bin/env bash
# runs.sh [--seed S] [--minutes N] — the fault run on each back end, ten minutes of seed 1 without it. Prints TAP; exit code 1 if a run does not hold
# or does not count. Writes tests/faults/runs.md, a report of each, when both back ends were there and held.
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

for backend in embedded kafka; do
  number=$((number + 1))
  if [ "$backend" = kafka ] && [ ! -x "$KAFKA_HOME/bin/kafka-topics.sh" ]; then
    echo "ok $number - $backend # SKIP KAFKA_HOME is not set"
    continue
  fi
  status=0
  "$launcher" verify faults --seed "$seed" --minutes "$minutes" --backend "$backend" >"$scratch/$backend.log" 2>&1 &
  running=$!
  wait "$running" || status=$?
  running=
  verdict=$(tail -1 "$scratch/$backend.log")
  if [ "$status" -eq 0 ]; then
    echo "ok $number - $backend, seed $seed, $minutes minutes: $verdict"
    held=$((held + 1))
  else
    echo "not ok $number - $backend, seed $seed, $minutes minutes (exit status $status): $verdict"
    sed 's/^/# /' "$scratch/$backend.log"
    failed=1
  fi
done
echo "1..$number"

if [ "$held" -eq "$number" ]; then
  {
    printf '# Fault runs that count\n\n'
    printf "Written by \`tests/faults/runs.sh --seed %s --minutes %s\` at commit %s on %s cores; %s. What each line means: [the fault run](../../docs/proof/fault-run.md).\n" \
      "$seed" "$minutes" "$commit" "$(nproc)" "$(date -u +%F)"
    for backend in embedded kafka; do
      printf '\n## %s\n\n```\n' "$([ "$backend" = kafka ] && echo 'Apache Kafka, three nodes' || echo 'The embedded broker')"
      sed -n '/^seed [0-9]/,$p' "$scratch/$backend.log"
      printf '```\n'
    done
  } >"$ROOT/tests/faults/runs.md"
fi
exit $failed
