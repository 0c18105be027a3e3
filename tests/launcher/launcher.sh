#!/usr/bin/env bash
# What the launcher does with processes, ports, disks and arguments. TAP on standard output; run by ./onceward test.
# Each test is a function in a subshell with an empty STATE of its own; it fails by failing.
set -uo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
for library in "$ROOT"/eng/lib/*.sh; do
  # shellcheck source=/dev/null
  source "$library"
done

says() { # PATTERN STATUS COMMAND… — fails unless the command says exactly one line like that and ends so
  local pattern=$1 want=$2 said status=0
  shift 2
  said=$("$@" 2>&1) || status=$?
  [[ $status -eq $want && $said == *$pattern* && $(wc -l <<<"$said") -eq 1 ]] || { printf '# status %s: %s\n' "$status" "$said" && return 1; }
}

recorded_sleep() { # NAME — a process of ours, on file
  (record_process "$1" "$BASHPID" && exec sleep 60) &
  until [ "$(cat "$STATE/run/$1.pid" 2>/dev/null)" = $! ]; do sleep 0.02; done
}

test_an_unknown_verb_prints_the_usage_and_exits_with_2() {
  local said status=0
  said=$("$ROOT/onceward" no-such-verb 2>&1) || status=$?
  [ "$status" -eq 2 ] && [[ $said == *"unknown verb 'no-such-verb'"*'usage: ./onceward VERB'* ]]
}

test_a_verb_is_no_path() {
  local status=0
  "$ROOT/onceward" ../lib/say >/dev/null 2>&1 || status=$?
  [ "$status" -eq 2 ]
}

test_up_refuses_two_brokers() { says '--brokers takes 1 or 3' 1 "$ROOT/onceward" up --brokers 2; }

test_load_without_up_says_so() { says 'nothing is up' 1 need_up; }

test_a_pid_file_of_a_process_that_is_not_ours_costs_it_nothing() {
  sleep 60 &
  local stranger=$!
  printf '%s\n' "$stranger" >"$STATE/run/billing.pid"
  printf 'another-boot-1\n' >"$STATE/run/billing.birth"
  end_leftovers >/dev/null
  kill -0 "$stranger" && [ ! -e "$STATE/run/billing.pid" ]
  local status=$?
  kill "$stranger"
  return "$status"
}

test_what_a_killed_launcher_left_is_ended() {
  recorded_sleep billing
  local pid=$!
  end_leftovers >/dev/null
  ! kill -0 "$pid" 2>/dev/null && [ ! -e "$STATE/run/billing.pid" ]
}

test_a_process_that_ignores_TERM_is_killed() {
  (
    trap '' TERM
    record_process deaf "$BASHPID"
    exec sleep 60
  ) &
  local pid=$!
  until pid_of deaf >/dev/null; do sleep 0.02; done
  end_processes TERM 1 deaf 2>/dev/null
  ! kill -0 "$pid" 2>/dev/null
}

test_the_pid_file_holds_the_pid_of_the_program_itself() {
  first_spawn nap exec sleep 60
  until [ "$(tr '\0' ' ' <"/proc/${PID[nap]}/cmdline")" = 'sleep 60 ' ]; do sleep 0.02; done
  [ "$(cat "$STATE/run/nap.pid")" = "${PID[nap]}" ]
  local status=$?
  end_recorded
  return "$status"
}

test_what_exits_is_started_again_and_waits_longer_each_time() {
  first_spawn brief true
  until ! running brief; do sleep 0.02; done
  supervise_tick 2>/dev/null
  local first=${DUE[brief]} again
  DUE[brief]=0
  [ "$first" -le $((SECONDS + 1)) ] || return 1
  supervise_tick # starts it
  [ -z "${DUE[brief]}" ] || return 1
  until ! running brief; do sleep 0.02; done
  supervise_tick 2>/dev/null
  again=${DUE[brief]}
  [ "$again" -gt "$SECONDS" ] && [ "${BACKOFF[brief]}" -eq 4 ]
}

test_a_taken_port_is_named_with_the_variable_that_moves_it() {
  [ -n "${ONCEWARD_TEST_POSTGRES:-}" ] || { echo 'SKIP no ONCEWARD_TEST_POSTGRES, whose port is the taken one' && return 0; }
  local port=${ONCEWARD_TEST_POSTGRES#*Port=}
  says "port ${port%%;*}, wanted by PostgreSQL, is taken" 1 need_port "${port%%;*}" ONCEWARD_POSTGRES_PORT PostgreSQL
}

test_a_full_disk_is_found_before_anything_starts() {
  # shellcheck disable=SC2034 # need_disk reads it
  DISK_RESERVE_MB=999999999
  says 'MB free on the disk' 1 need_disk "$STATE"
}

test_a_disk_that_runs_full_while_programs_are_copied_is_said_in_one_line() {
  # shellcheck disable=SC2034 # stage reads them
  local HOME_STATE=$STATE ROOT=$STATE/checkout
  mkdir -p "$ROOT/apps/x/bin/Release/net10.0" && echo 0123456789abcdef >"$HOME_STATE/build.stamp"
  # shellcheck disable=SC2317 # stage calls it; as it speaks for every file of a folder
  cp() { printf "cp: error writing '%s': No space left on device\n" a b c >&2 && return 1; }
  says "the disk of $STATE/logs is full: make room" 1 stage apps/x && [ -z "$(ls "$HOME_STATE"/apps/*)" ]
}

test_a_missing_java_is_said_in_one_line() {
  unset JAVA_HOME
  # shellcheck disable=SC2317 # need_java calls it
  have() { [ "$1" != java ]; }
  says 'install Java 17 or later' 1 need_java
}

test_a_missing_dotnet_is_said_in_one_line() {
  # shellcheck disable=SC2317 # need_dotnet calls it
  have() { [ "$1" != dotnet ]; }
  says 'dotnet is missing: install the .NET SDK' 1 need_dotnet
}

test_another_number_of_brokers_than_formatted_is_refused() {
  mkdir -p "$STATE/kafka" && echo 1 >"$STATE/kafka/nodes"
  # shellcheck disable=SC2317 # kafka_prepare calls it
  need_kafka() { :; }
  says 'leave out --brokers, or remove all data' 1 kafka_prepare 3
}

test_without_any_kafka_up_says_what_to_set() {
  unset KAFKA_HOME
  says 'set KAFKA_HOME' 1 need_kafka
}

test_a_second_run_in_one_checkout_is_refused() {
  take_lock "$STATE/lock" unused
  says 'already running' 1 take_lock "$STATE/lock" 'already running'
}

test_skipped_tests_are_counted_apart_from_failed_ones() {
  cat >"$STATE/a.trx" <<'TRX'
    <UnitTestResult testName="a" outcome="NotExecuted">
          <Message>no &quot;Kafka&quot;</Message>
    </UnitTestResult>
    <UnitTestResult testName="b&lt;1&gt;" outcome="Failed">
          <Message>boom</Message>
    </UnitTestResult>
    <UnitTestResult testName="c" outcome="Passed" />
    <Counters total="3" executed="2" passed="1" failed="1" />
TRX
  tally_trx "$STATE/a.trx"
  local status=0 report
  report=$(tally_report) || status=$?
  [ "$status" -eq 1 ] && [ "$report" = $'skipped 1: no "Kafka"\nfailed: b<1>\n1 passed, 1 failed, 1 skipped' ]
}

test_without_a_PostgreSQL_18_its_tests_are_skipped_and_the_way_out_is_said() {
  # shellcheck source=/dev/null
  source "$ROOT/eng/verbs/test.sh"
  mkdir -p "$STATE/results"
  unset ONCEWARD_TEST_POSTGRES_18
  # shellcheck disable=SC2034 # test_postgres_18 reads them
  POSTGRES_PSQL=psql ONCEWARD_POSTGRES18_HOME=$STATE/none
  test_postgres_18
  test_on_postgres_18 some some.csproj ''
  [ "$SKIPPED" -eq 1 ] && [[ ${SKIP_REASONS[0]} == *'none in ONCEWARD_POSTGRES18_HOME' ]]
}

# They are built in long runs only; a line of src/ that they change is noticed here.
test_the_mutants_of_the_fault_run_fit_the_sources() {
  local mutant
  have patch || { echo "SKIP patch is not installed" && return; }
  for mutant in "$ROOT"/tests/faults/mutants/*.patch; do
    patch -d "$ROOT" -p1 -F0 -s --dry-run <"$mutant" >/dev/null || { echo "${mutant##*/} no longer fits" && return 1; }
  done
}

test_a_run_without_a_test_is_no_success() { ! tally_report >/dev/null; }

count=0
for test in $(compgen -A function test_); do
  count=$((count + 1))
  said=$(
    STATE=$WORK/$count
    mkdir -p "$STATE/run" "$STATE/logs"
    "$test"
  ) && verdict=ok || verdict='not ok'
  case $said in
    'SKIP '*) printf 'ok %s - %s # SKIP %s\n' "$count" "${test#test_}" "${said#SKIP }" ;;
    *) printf '%s %s - %s\n' "$verdict" "$count" "${test#test_}" && [ -z "$said" ] || printf '# %s\n' "$said" ;;
  esac
done
printf '1..%s\n' "$count"
