#!/usr/bin/env bash
# librdkafka's own broker tests, as a judge of the embedded broker: those of ../shared/oracle/librdkafka.txt marked "must", three times over.
#   librdkafka.sh [--times N] [--at BOOTSTRAP --noauto BOOTSTRAP] [NAME…]
# Without --at two embedded brokers are started: one that creates topics by itself, one that does not. With NAMEs only those tests run.
# Prints TAP, one line a test. A full run on the embedded broker writes the table tests/oracle/librdkafka.md.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=/dev/null
source "$ROOT/tests/oracle/lib.sh"
RUNNER_VERSION=1.10.1 # of @confluentinc/kafka-javascript, which brings the sources of librdkafka 2.15.1 with its tests
ORACLE=${ONCEWARD_ORACLE:-$ROOT/../shared/oracle}
TABLE=$ROOT/tests/oracle/librdkafka.md

main() {
  local times=3 at='' noauto='' run
  local -a names=()
  while [ $# -gt 0 ]; do
    case $1 in
      --times) times=$2 && shift 2 ;;
      --at) at=$2 && shift 2 ;;
      --noauto) noauto=$2 && shift 2 ;;
      -*) die "librdkafka.sh does not know '$1'" ;;
      *) names+=("$1") && shift ;;
    esac
  done
  [ -x "$ORACLE/librdkafka.sh" ] || skip_all "the list of librdkafka's tests is not at hand (../shared/oracle)"
  oracle_kafka_home || skip_all "librdkafka's tests call Apache Kafka's tools: set KAFKA_HOME"
  oracle_begin librdkafka >&2
  build_runner >&2
  if [ -z "$at" ]; then
    oracle_broker auto --auto-create true --default-partitions 4 --lenient-replication
    at=$ORACLE_ADDRESS
    oracle_broker noauto --auto-create false --default-partitions 4 --lenient-replication
    noauto=$ORACLE_ADDRESS
  fi
  for ((run = 1; run <= times; run++)); do
    printf '# run %s of %s, on %s and %s\n' "$run" "$times" "$at" "$noauto"
    mkdir -p "$STATE/results/$run"
    # Its exit code says that a test failed; the lines below say which.
    KAFKA_PATH=$KAFKA_HOME NOAUTO=$noauto OUT=$STATE/results/$run "$ORACLE/librdkafka.sh" "$(tests_folder)" "$at" "${names[@]}" >"$STATE/results/$run.txt" 2>&1 || true
  done
  report "$times"
  if [ ${#names[@]} -eq 0 ] && [ -n "${ORACLE_EMBEDDED:-}" ]; then write_table "$times"; fi
  return "$FAULTS"
}

tests_folder() { printf '%s' "${ONCEWARD_RDKAFKA_TESTS:-$HOME_STATE/librdkafka/package/deps/librdkafka/tests}"; }

# Once a checkout: about three minutes.
build_runner() {
  [ ! -x "$(tests_folder)/test-runner" ] || return 0
  need_packages gcc g++ make libssl-dev zlib1g-dev libzstd-dev libcurl4-openssl-dev rapidjson-dev
  need_node
  local folder=$HOME_STATE/librdkafka log=$HOME_STATE/logs/librdkafka.log
  mkdir -p "$folder" "$HOME_STATE/logs"
  step "building librdkafka's test runner"
  (
    cd "$folder"
    npm pack --silent "@confluentinc/kafka-javascript@$RUNNER_VERSION"
    tar xzf ./*.tgz
    cd package/deps/librdkafka
    ./configure
    make -j2 libs
    make -j2 -C tests test-runner
  ) >"$log" 2>&1 || die_of "$log" "librdkafka's test runner could not be built"
}

# report TIMES — a test that fails once in three is a fault.
report() {
  local times=$1 name count=0
  FAULTS=0
  for name in $(test_names); do
    count=$((count + 1))
    if [ "$(grep -hc "^$name PASS " "$STATE"/results/[0-9].txt | paste -sd+ | { read -r sum; printf "%s" $((sum)); })" -eq "$times" ]; then
      printf 'ok %s - librdkafka %s\n' "$count" "$name"
    else
      FAULTS=1
      printf 'not ok %s - librdkafka %s: %s\n' "$count" "$name" "$(outcomes "$name" | paste -sd' ')"
    fi
  done
  printf '1..%s\n' "$count"
  [ "$count" -gt 0 ] || die "no test ran: see $STATE/results"
}

test_names() { awk '$2 ~ /^(PASS|FAIL|SKIP)$/ {print $1}' "$STATE"/results/[0-9].txt | LC_ALL=C sort -u; }

outcomes() { grep -h "^$1 " "$STATE"/results/[0-9].txt | awk '{print $2}'; }

write_table() { # TIMES
  local name run line passed
  {
    printf '# librdkafka 2.15.1 on the embedded broker\n\n'
    printf "Its own tests against a broker, as listed by \`librdkafka.txt\` (those marked \"must\"), %s times over, each test in a process of its own, two at once.\n" "$1"
    printf "Written by \`tests/oracle/librdkafka.sh\` at commit %s; %s.\n\n" "$(git -C "$ROOT" describe --always --dirty)" "$(machine)"
    for ((run = 1; run <= $1; run++)); do printf 'Run %s: %s.  \n' "$run" "$(tail -1 "$STATE/results/$run.txt")"; done
    printf '\n| test |'
    for ((run = 1; run <= $1; run++)); do printf ' run %s |' "$run"; done
    printf '\n|---|'
    for ((run = 1; run <= $1; run++)); do printf -- '---|'; done
    printf '\n'
    for name in $(test_names); do
      line="| $name |"
      for ((run = 1; run <= $1; run++)); do
        passed=$(awk -v n="$name" '$1 == n {print tolower($2) ", " $3 " s"}' "$STATE/results/$run.txt")
        line+=" ${passed:-did not run} |"
      done
      printf '%s\n' "$line"
    done
  } >"$TABLE.new"
  mv "$TABLE.new" "$TABLE"
}

main "$@"
