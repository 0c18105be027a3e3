#!/usr/bin/env bash
# check.sh — model-checks the specifications here with TLC, and shows that each mutant is caught. Prints TAP; exit code 1 if anything is not as it must be.
# Needs Java 11 or later and TLC: TLA2TOOLS names a tla2tools.jar; without it the one of a ../shared/tla beside the checkout is taken. Without either it skips.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
jar=${TLA2TOOLS:-$(compgen -G "$root/../shared/tla/*.jar" | head -1 || true)}
if [ -z "$jar" ] || ! command -v java >/dev/null; then
  echo '1..1'
  echo 'ok 1 - the model of the ledger # SKIP no Java, or no tla2tools.jar: name one with TLA2TOOLS'
  exit 0
fi
jar=$(readlink -f "$jar")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0 failed=0

verdict() { # OK NAME DETAIL
  number=$((number + 1))
  if [ "$1" = yes ]; then echo "ok $number - $2 ($3)"; else
    echo "not ok $number - $2 ($3)"
    failed=1
  fi
}

check() { # CONFIGURATION MUTATION — leaves TLC's words in $scratch/out
  cp "$here"/*.tla "$scratch"
  sed "$2" "$here/ConsumerLedger.$1.cfg" >"$scratch/model.cfg"
  (cd "$scratch" && java -XX:+UseParallelGC -Xmx3g -cp "$jar" tlc2.TLC -workers "${TLC_WORKERS:-auto}" -nowarning -metadir "$scratch/states" -config model.cfg MCConsumerLedger.tla) \
    >"$scratch/out" 2>&1 || true
  rm -rf "$scratch/states"
}

holds() { # CONFIGURATION
  check "$1" ''
  if grep -q 'No error has been found' "$scratch/out"; then
    verdict yes "the design holds: $1" "$(sed -nE 's/.* generated, ([0-9]+) distinct states found, 0 states.*/\1 states/p' "$scratch/out")"
  else
    verdict no "the design holds: $1" "$(grep -m1 -E 'Invariant|Error' "$scratch/out" || tail -1 "$scratch/out")"
  fi
}

# A mutant is caught when a property of the design breaks; an error of another kind catches nothing.
caught() { # CONSTANT CONFIGURATION WHAT
  local broken
  check "$2" "s/^  $1 = TRUE\$/  $1 = FALSE/"
  broken=$(sed -nE 's/.*Invariant ([A-Za-z]+) is violated.*/\1/p' "$scratch/out" | head -1)
  if [ -n "$broken" ]; then verdict yes "caught without $1: $3" "breaks $broken"; else verdict no "caught without $1: $3" "$(tail -1 "$scratch/out")"; fi
}

caught SwapNext one 'the swap compares only the epoch'
caught SwapEpoch one 'the swap compares only the offset, and a reset leaves the epoch'
caught SwapAll two 'a batch commits although one of its partitions is fenced'
caught HoldKeys one 'rows of parked keys are not held'
caught ParkBehind one 'later records do not go behind a parked key'
caught LookAgain one 'nobody looks again behind the swap'
caught EndOnce one 'the end of a partition is read at COMMIT'
caught AdoptOnce one "the group's offset is read again at each claim"
holds one
# Batches over two partitions make many states: this one takes most of the time.
holds two
echo "1..$number"
exit $failed
