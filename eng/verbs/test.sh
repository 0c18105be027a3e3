# shellcheck shell=bash
# usage: test [--filter F | --long]              build, start test servers, run all tests; the last line is the totals; --long: the proofs that take long, too

TEST_TIMEOUT=45m # for one project: a test that hangs must not hang the run
TEST_FILTER=
LONGEST=Onceward.Kafka # waits most of the time: begun first, with the others beside it
BUSIEST=Onceward.Crash # starts so many processes that nothing beside it would come to its turn: behind the others

# What the guarantee asks of PostgreSQL is proven on the newest one too. Not all that reads PostgreSQL, which would take minutes more; and of the
# project neither the tool nor what waits for time limits of the client's.
POSTGRES_18_PROJECT=Onceward.Postgres
POSTGRES_18_FILTER='FullyQualifiedName!~Postgres.Operations&FullyQualifiedName!~Postgres.Tools&FullyQualifiedName!~past_its_time_limit&FullyQualifiedName!~never_listens'

main() {
  local long=''
  case ${1:-} in
    '') ;;
    --filter)
      TEST_FILTER=${2:-}
      [ -n "$TEST_FILTER" ] || die "--filter takes an expression of dotnet test"
      ;;
    --long) long=1 ;;
    *) die "test does not know '$1': see ./onceward help" ;;
  esac
  scratch_begin test
  build
  test_packages
  test_servers
  if [ -z "$TEST_FILTER" ]; then
    test_shell
    test_interop
  fi
  test_dotnet
  pool_end
  if [ -n "$long" ]; then test_oracles; fi
  scratch_stop # before the report, whose last line is the last line
  tally_report
}

# What tests in other languages import.
test_packages() {
  local folder
  for folder in "$ROOT"/apps/*/tests/foreign; do
    [ ! -f "$folder/package.json" ] || need_npm_packages "$folder"
    if compgen -G "$folder/*.py" >/dev/null && ! /usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null; then
      need_packages python3-grpcio python3-protobuf
    fi
  done
}

# Servers that the caller names are used as they are. Without a Kafka to compare with, the embedded broker is the only one.
test_servers() {
  if [ -z "${ONCEWARD_TEST_POSTGRES:-}" ]; then
    # Tests kill workers, not the machine under the database.
    scratch_postgres fsync=off synchronous_commit=off full_page_writes=off
    ONCEWARD_TEST_POSTGRES=$(postgres_connection postgres postgres)
    export ONCEWARD_TEST_POSTGRES
    if pgbouncer_at_hand; then
      scratch_pgbouncer
      export ONCEWARD_TEST_PGBOUNCER=$PGBOUNCER_CONNECTION
    fi
  fi
  test_postgres_18
  if [ -n "${ONCEWARD_TEST_KAFKA:-}" ]; then
    :
  elif kafka_external; then
    need_bootstrap
    export ONCEWARD_TEST_KAFKA=$KAFKA_BOOTSTRAP_SERVERS
  elif kafka_apache; then
    scratch_kafka 1
    ONCEWARD_TEST_KAFKA=$(kafka_bootstrap)
    export ONCEWARD_TEST_KAFKA
  fi
  if [ -z "${ONCEWARD_TEST_EMBEDDED:-}" ] && embedded_at_hand; then
    local port
    port=$(free_port)
    EMBEDDED_PROGRAM=$(stage "$EMBEDDED_PROJECT")/Onceward.Cli.dll
    scratch_embedded broker "$port" --data "$STATE/broker" --auto-create false
    export ONCEWARD_TEST_EMBEDDED=127.0.0.1:$port EMBEDDED_PROGRAM
  fi
  # Programs under test read these; what a developer's shell has set must not reach them.
  unset "${!KAFKA_BOOTSTRAP_@}" "${!KAFKA_SASL_@}" "${!KAFKA_SSL_@}" "${!KAFKA_PRODUCER_@}" "${!KAFKA_CONSUMER_@}" "${!INSURANCE_@}" \
    KAFKA_SECURITY_PROTOCOL ONCEWARD_POSTGRES
}

# The newest PostgreSQL that is supported, beside the machine's own: unpacked programs (bin/), or a folder that unpacks them.
test_postgres_18() {
  local home=${ONCEWARD_POSTGRES18_HOME:-$ROOT/../shared/postgres-18} bin
  [ -z "${ONCEWARD_TEST_POSTGRES_18:-}" ] || return 0
  if [ -z "$POSTGRES_PSQL" ]; then
    POSTGRES_18_SKIPPED='ONCEWARD_TEST_POSTGRES names a server, and ONCEWARD_TEST_POSTGRES_18 none'
  elif [ -x "$home/bin/initdb" ]; then
    bin=$home/bin
  elif [ ! -x "$home/unpack.sh" ]; then
    POSTGRES_18_SKIPPED="no PostgreSQL 18 beside the checkout, and none in ONCEWARD_POSTGRES18_HOME"
  elif ! bin=$("$home/unpack.sh" 2>"$STATE/logs/postgres-18.log"); then
    POSTGRES_18_SKIPPED="PostgreSQL 18 could not be unpacked: $(last_words postgres-18)"
    bin=
  fi
  if [ -n "${bin:-}" ]; then
    local POSTGRES_NAME=postgres-18 POSTGRES_BIN=$bin POSTGRES_PORT
    scratch_postgres
    ONCEWARD_TEST_POSTGRES_18=$(postgres_connection postgres postgres)
    if pgbouncer_at_hand; then
      scratch_pgbouncer
      ONCEWARD_TEST_PGBOUNCER_18=$PGBOUNCER_CONNECTION
    fi
  fi
}

# pgbouncer_at_hand — installs it if that is possible; where it is not, the tests that go through it are skipped, and say so.
pgbouncer_at_hand() { find_pgbouncer >/dev/null || { (need_packages pgbouncer) && find_pgbouncer >/dev/null; }; }

test_projects() { grep -lF Microsoft.NET.Test.Sdk "$ROOT"/tests/*/*.csproj "$ROOT"/apps/*/tests/*/*.csproj "$ROOT"/apps/*/tests/*.csproj 2>/dev/null || true; }

# in_order — of the projects that come in, one a line.
in_order() {
  local project
  while read -r project; do
    case $project in
      */"$LONGEST".csproj) printf '1 %s\n' "$project" ;;
      */"$BUSIEST".csproj) printf '3 %s\n' "$project" ;;
      *) printf '2 %s\n' "$project" ;;
    esac
  done | sort -s -k1,1 | cut -d' ' -f2-
}

test_dotnet() {
  local project name
  local -a projects
  mapfile -t projects < <(test_projects | in_order)
  for project in "${projects[@]}"; do
    name=$(basename "$project" .csproj)
    [ "$name" != "$BUSIEST" ] || pool_end
    if reads_kafka "$project"; then test_on_brokers "$name" "$project"; else test_project "$name" "$project"; fi
    if [ "$name" = "$POSTGRES_18_PROJECT" ]; then test_on_postgres_18 "$name" "$project"; fi
  done
}

test_on_postgres_18() { # NAME PROJECT
  if [ -n "${ONCEWARD_TEST_POSTGRES_18:-}" ]; then
    ONCEWARD_TEST_POSTGRES=$ONCEWARD_TEST_POSTGRES_18 ONCEWARD_TEST_PGBOUNCER=${ONCEWARD_TEST_PGBOUNCER_18:-} \
      test_project "$1 on PostgreSQL 18" "$2" "$POSTGRES_18_FILTER"
  else
    test_skip "$1 on PostgreSQL 18" "$POSTGRES_18_SKIPPED"
  fi
}

# reads_kafka PROJECT — whether its tests ask for a broker.
reads_kafka() { grep -rqsE 'ONCEWARD_(CONFORMANCE|TEST)_KAFKA|TestServers\.Kafka' "$(dirname "$1")" --include='*.cs'; }

# What is asserted of the embedded broker is asserted of Apache Kafka by the same tests: they run once on each that is at hand.
test_on_brokers() { # NAME PROJECT
  local apache=${ONCEWARD_TEST_KAFKA:-} embedded=${ONCEWARD_TEST_EMBEDDED:-}
  if [ -z "$apache$embedded" ]; then test_project "$@"; fi # skipped, with the reason
  if [ -n "$apache" ]; then on_broker "$apache" test_project "$1 on Apache Kafka" "$2"; fi
  if [ -n "$embedded" ]; then on_broker "$embedded" test_project "$1 on the embedded broker" "$2"; fi
}

on_broker() { # ADDRESS COMMAND…
  local address=$1
  shift
  ONCEWARD_CONFORMANCE_KAFKA=$address ONCEWARD_TEST_KAFKA=$address "$@"
}

test_project() { # NAME PROJECT [SELECTION]
  local filter=$TEST_FILTER
  if [ -n "${3:-}" ]; then filter=${filter:+($filter)&}$3; fi
  pool_begin judge_project "$1" timeout -k 30 "$TEST_TIMEOUT" dotnet test "$2" -c Release --no-build --nologo ${filter:+--filter "$filter"} \
    --logger "trx;LogFileName=$(results_of "$1")" --results-directory "$STATE/results"
}

results_of() { printf '%s/results/%s.trx' "$STATE" "$(pool_key "$1")"; }

judge_project() { # NAME STATUS
  local name=$1 status=$2 trx
  trx=$(results_of "$1")
  cat "$(pool_output "$name")" "$(pool_log "$name")"
  TRX_FAILED=0 TRX_TOTAL=0
  [ ! -f "$trx" ] || tally_trx "$trx" "$name"
  # Exit status 0 means little: a runner that finds nothing is content.
  if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
    tally_crash "$name" "not finished after $TEST_TIMEOUT"
  elif [ "$status" -ne 0 ] && [ "$TRX_FAILED" -eq 0 ]; then
    tally_crash "$name" "crashed (exit status $status)"
  elif [ "$status" -eq 0 ] && [ ! -f "$trx" ]; then
    tally_crash "$name" "left no results"
  elif [ "$TRX_TOTAL" -eq 0 ] && [ -z "$TEST_FILTER" ]; then
    tally_crash "$name" "holds no test, or none was found"
  fi
}

test_shell() {
  local file
  for file in "$ROOT"/tests/launcher/*.sh; do test_tap "$(basename "$file" .sh)" "$TEST_TIMEOUT" bash "$file"; done
}

# Clients that nobody here wrote, on every broker at hand. One that cannot be installed says so.
test_interop() {
  if [ -n "${ONCEWARD_TEST_KAFKA:-}" ]; then interop_on "Apache Kafka" "${ONCEWARD_TEST_KAFKA%%,*}"; fi
  if [ -n "${ONCEWARD_TEST_EMBEDDED:-}" ]; then interop_on "the embedded broker" "$ONCEWARD_TEST_EMBEDDED"; fi
}

interop_on() { # BROKER ADDRESS
  local folder=$ROOT/tests/interop
  interop "kafkajs on $1" need_npm_packages "$folder" -- node "$folder/kafkajs.js" "$2"
  interop "@platformatic/kafka on $1" need_npm_packages "$folder" -- node "$folder/platformatic.js" "$2"
  interop "python3-confluent-kafka on $1" need_packages python3-confluent-kafka -- /usr/bin/python3 "$folder/confluent.py" "$2"
  interop "python3-kafka on $1" need_packages python3-kafka -- /usr/bin/python3 "$folder/kafka_python.py" "$2"
  interop "kcat on $1" need_packages kcat python3-kafka -- bash "$folder/kcat.sh" "$2"
}

interop() { # NAME INSTALL… -- COMMAND…
  local name=$1
  local -a install=()
  shift
  while [ "$1" != -- ]; do install+=("$1") && shift; done
  shift
  if ("${install[@]}") >/dev/null 2>&1; then
    test_tap "$name" 10m "$@"
  else
    test_skip "$name" "the client of another hand cannot be installed: ${name%% on *}"
  fi
}

# Judges from outside, on embedded brokers of their own.
test_oracles() {
  local name AT_ONCE=1 # each wants the machine for itself
  for name in librdkafka kafka-tools broker-crash broker-fuzz; do
    test_tap "$name" 90m bash "$ROOT/tests/oracle/$name.sh"
  done
  test_tap "the model of the ledger" 60m bash "$ROOT/docs/proof/check.sh"
  test_tap "fault runs" 90m bash "$ROOT/tests/faults/runs.sh"
  # The fault run's checker: on the embedded broker, each run half a minute long.
  test_tap "mutants of the fault run" 120m bash "$ROOT/tests/faults/mutants.sh"
  pool_end
}

test_skip() { # NAME REASON
  printf 'ok 1 - %s # SKIP %s\n' "$1" "$2" >"$STATE/results/skipped.tap"
  tally_tap "$1" "$STATE/results/skipped.tap" 0
}

test_tap() { # NAME LIMIT COMMAND…
  pool_begin judge_tap "$1" timeout -k 10 "$2" "${@:3}"
}

judge_tap() { # NAME STATUS
  local name=$1 status=$2 tap
  tap=$(pool_output "$1")
  grep -A8 '^not ok' "$tap" || true
  grep -qE '^(not )?ok ' "$tap" || status=1
  tally_tap "$name" "$tap" "$status"
}
