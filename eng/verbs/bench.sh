# shellcheck shell=bash
# usage: bench …                                 the benchmarks, on servers of their own (durable, one broker) unless some are named

main() {
  scratch_begin bench
  build
  if [ -z "${ONCEWARD_POSTGRES:-}" ]; then
    scratch_postgres
    ONCEWARD_POSTGRES=$(postgres_connection postgres postgres)
  fi
  if kafka_external; then
    need_bootstrap
  else
    scratch_kafka 1
    KAFKA_BOOTSTRAP_SERVERS=$(kafka_bootstrap)
    bench_kafka_version
  fi
  export ONCEWARD_BENCH_POSTGRES=$ONCEWARD_POSTGRES ONCEWARD_BENCH_KAFKA=$KAFKA_BOOTSTRAP_SERVERS
  without_lock dotnet run --project "$ROOT/bench/Onceward.Bench" -c Release --no-build -- "$@"
}

# The broker does not tell its version; the archive that it was started from does.
bench_kafka_version() {
  local jar
  jar=$(printf '%s\n' "$KAFKA_HOME"/libs/kafka_2.*-*.jar | head -1)
  jar=${jar##*/}
  jar=${jar#kafka_2.*-}
  export ONCEWARD_BENCH_KAFKA_VERSION="Apache Kafka ${jar%.jar}, one node"
}
