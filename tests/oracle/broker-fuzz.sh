#!/usr/bin/env bash
# Inputs that no client would send, a million of each kind, to the embedded broker: broker-fuzz.sh [--inputs N] [--seed S]. TAP on standard output.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=/dev/null
source "$ROOT/tests/oracle/lib.sh"
PROJECT=$ROOT/tests/Onceward.Broker.Tests

main() {
  local inputs=1000000 faults=0
  while [ $# -gt 0 ]; do
    case $1 in
      --inputs) inputs=$2 && shift 2 ;;
      --seed) export ONCEWARD_FUZZ_SEED=$2 && shift 2 ;;
      *) die "broker-fuzz.sh does not know '$1'" ;;
    esac
  done
  export ONCEWARD_FUZZ_INPUTS=$inputs ONCEWARD_FUZZ_MUTATIONS=$inputs
  oracle_begin broker-fuzz >&2
  build >&2
  check 1 FuzzTests 'random bytes are read or refused by every parser' || faults=1
  check 2 MutationTests 'valid requests made wrong are answered or their connection closed' || faults=1
  printf '1..2\n'
  return "$faults"
}

check() { # NUMBER CLASS WHAT — the test prints its seed first, whatever comes of it
  local log=$STATE/logs/$2.log seed
  if dotnet test "$PROJECT" -c Release --no-build --nologo --logger 'console;verbosity=detailed' --filter "FullyQualifiedName~Protocol.$2" >"$log" 2>&1 </dev/null &&
    seed=$(grep -om1 'seed .*inputs' "$log"); then
    printf 'ok %s - %s (%s)\n' "$1" "$3" "$seed"
  else
    printf 'not ok %s - %s\n' "$1" "$3"
    tail -25 "$log" | sed 's/^/# /'
    return 1
  fi
}

main "$@"
