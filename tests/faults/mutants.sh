#!/usr/bin/env bash
# mutants.sh [NAME…] — checks the checker of the fault run: builds with one guard taken out must be caught within five seeds, by the true build's own run
# with the same options, which the true build passes. Prints TAP; exit code 1 if anything is not as it must be.
# A mutant is a patch in mutants/: `What:` says what is broken, `Run:` with which faults it shows. FAULTS_SEEDS: how many seeds (5), FAULTS_FIRST_SEED (1),
# ONCEWARD_LAUNCHER: another launcher than the checkout's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
launcher=${ONCEWARD_LAUNCHER:-$root/onceward}
first=${FAULTS_FIRST_SEED:-1}
last=$((first + ${FAULTS_SEEDS:-5} - 1))
scratch=$(mktemp -d)
running=
trap 'exit 143' TERM
trap 'exit 130' INT
# The launcher ends what it started; it is waited for, or its servers would be left to themselves.
trap 'if [ -n "$running" ]; then kill "$running" 2>/dev/null || true; wait "$running" 2>/dev/null || true; fi; rm -rf "$scratch"' EXIT
number=0 failed=0
declare -A passed=()

verdict() { # OK NAME DETAIL
  number=$((number + 1))
  if [ "$1" = yes ]; then echo "ok $number - $2 ($3)"; else
    echo "not ok $number - $2 ($3)"
    failed=1
  fi
}

field() { sed -n "s/^$2: //p" "$here/mutants/$1.patch" | head -1; } # MUTANT NAME

# run LOG OPTION… — one fault run; its exit status is the run's.
run() {
  local log=$1 status=0
  shift
  "$launcher" verify faults "$@" >"$log" 2>&1 &
  running=$!
  wait "$running" || status=$?
  running=
  return "$status"
}

last_line() { grep -E '^[0-9]+ lost' "$1" | tail -1 || true; }

# build_mutant NAME — the worker from sources with the patch; says on standard error what is wrong with it.
build_mutant() {
  local tree=$scratch/$1
  mkdir "$tree"
  (cd "$root" && git ls-files -z --cached --others --exclude-standard -- src/Onceward tests/Onceward.Faults.Worker eng/analyzers eng/feed \
    Directory.Build.props Directory.Packages.props nuget.config global.json .editorconfig | xargs -0 cp --parents -t "$tree")
  patch -p1 -s -F0 -d "$tree" <"$here/mutants/$1.patch" >&2 || { echo "the patch no longer applies: bring it up to date with src/" >&2 && return 1; }
  dotnet build "$tree/tests/Onceward.Faults.Worker" -c Release -nologo -v q -nodeReuse:false -p:UseSharedCompilation=false -p:TreatWarningsAsErrors=false \
    -p:RunAnalyzers=false -p:GenerateDocumentationFile=false >"$scratch/build.log" 2>&1 || { grep -m3 error "$scratch/build.log" >&2 && return 1; }
}

# passes SEED OPTION… — whether the true build passes; each seed and options are run once.
passes() {
  local known="$*" status=0 seed=$1
  shift
  if [ -n "${passed[$known]:-}" ]; then return 0; fi
  run "$scratch/true.log" --seed "$seed" "$@" || status=$?
  case $status in 0 | 3) passed[$known]=1 ;; *) return 1 ;; esac
}

catch() { # MUTANT
  local seed status log=$scratch/mutant.log
  local -a options
  read -ra options <<<"$(field "$1" Run)"
  if ! build_mutant "$1" 2>"$scratch/why"; then
    verdict no "$1: $(field "$1" What)" "$(head -3 "$scratch/why" | tr '\n' ' ')"
    return
  fi
  for ((seed = first; seed <= last; seed++)); do
    if ! passes "$seed" "${options[@]}"; then
      verdict no "$1: the true build passes seed $seed" "$(last_line "$scratch/true.log")$(tail -1 "$scratch/true.log")"
      cat "$scratch/true.log" >&2
      return
    fi
    status=0
    run "$log" --seed "$seed" "${options[@]}" --worker "$scratch/$1/tests/Onceward.Faults.Worker/bin/Release/net10.0/Onceward.Faults.Worker.dll" || status=$?
    case $status in
      1)
        verdict yes "caught: $(field "$1" What)" "$1, seed $seed: $(last_line "$log"); broken: $(sed -nE 's/^BROKEN +[0-9] ([A-Za-z]+).*/\1/p' "$log" | paste -sd' ')"
        return
        ;;
      0 | 3) ;;
      *)
        verdict no "$1: $(field "$1" What)" "seed $seed could not be run, exit status $status: $(tail -1 "$log")"
        return
        ;;
    esac
  done
  verdict no "caught: $(field "$1" What)" "$1 passes seeds $first to $last: $(last_line "$log")"
  cat "$log" >&2
}

if [ $# -eq 0 ]; then
  for file in "$here"/mutants/*.patch; do set -- "$@" "$(basename "$file" .patch)"; done
fi
for mutant in "$@"; do catch "$mutant"; done
echo "1..$number"
exit $failed
