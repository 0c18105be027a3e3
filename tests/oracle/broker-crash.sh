#!/usr/bin/env bash
# The embedded broker, killed by SIGKILL under load: broker-crash.sh [--kills N] [--seed S], 50 kills for each flush policy without it.
# TAP on standard output, a line a policy; what each run has printed is in .onceward/oracle-broker-crash/logs. Writes the table tests/oracle/broker-crash.md.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=/dev/null
source "$ROOT/tests/oracle/lib.sh"
TABLE=$ROOT/tests/oracle/broker-crash.md
PROJECT=$ROOT/tests/Onceward.Broker.Crash
POLICIES=(None Interval EveryRequest)

main() {
  export ONCEWARD_BROKER_KILLS=50
  local count=0 faults=0 policy
  while [ $# -gt 0 ]; do
    case $1 in
      --kills) ONCEWARD_BROKER_KILLS=$2 && shift 2 ;;
      --seed) export ONCEWARD_BROKER_SEED=$2 && shift 2 ;;
      *) die "broker-crash.sh does not know '$1'" ;;
    esac
  done
  oracle_begin broker-crash >&2
  build >&2
  ROWS=$STATE/results/rows
  rm -f "$ROWS"
  for policy in "${POLICIES[@]}"; do
    count=$((count + 1))
    if run "$policy" >"$STATE/logs/$policy.log" 2>&1; then
      printf 'ok %s - %s kills with --flush %s, nothing lost, twice or torn (%s)\n' "$count" "$ONCEWARD_BROKER_KILLS" "$policy" "$(seed "$policy")"
    else
      faults=1
      printf 'not ok %s - %s kills with --flush %s (%s)\n' "$count" "$ONCEWARD_BROKER_KILLS" "$policy" "$(seed "$policy")"
      tail -25 "$STATE/logs/$policy.log" | sed 's/^/# /'
    fi
  done
  printf '1..%s\n' "$count"
  [ "$faults" -ne 0 ] || write_table
  return "$faults"
}

run() { # POLICY — a run that finds no test is no success
  local before after
  before=$(rows)
  ONCEWARD_BROKER_REPORT=$ROWS dotnet test "$PROJECT" -c Release --no-build --nologo --logger 'console;verbosity=detailed' \
    --filter "FullyQualifiedName~survives_every_kill&DisplayName~$1" </dev/null
  after=$(rows)
  [ "$after" -eq $((before + 1)) ]
}

rows() { if [ -f "$ROWS" ]; then wc -l <"$ROWS"; else echo 0; fi; }

seed() { grep -om1 'seed [0-9]*' "$STATE/logs/$1.log" || echo 'no seed'; }

write_table() {
  {
    printf '# The embedded broker, killed under load\n\n'
    printf "Written by \`tests/oracle/broker-crash.sh\` at commit %s; %s.\n\n" "$(git -C "$ROOT" describe --always --dirty)" "$(machine)"
    cat <<'TEXT'
`onceward broker` runs on one folder and one port and is ended by SIGKILL at random moments, some of them within its start, while a plain, an idempotent
and two transactional producers write and a group commits offsets. After each start, at once and again when all is settled: every acknowledged record is at
its offset, in order, idempotent ones once; of every transaction all or nothing is visible, of aborted ones nothing; ends of logs and offsets of groups
never went back, and what was read before is read again. The death of a process leaves the system's cache, so every flush policy has to hold.

| flush policy | seed | kills | of them in a start | tails cut | records acknowledged | plain ones there again | transactions committed | aborted | in doubt | group offsets committed | producers renewed |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
TEXT
    cat "$ROWS"
  } >"$TABLE.new"
  mv "$TABLE.new" "$TABLE"
}

main "$@"
