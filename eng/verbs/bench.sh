# shellcheck shell=bash
# usage: bench …                                 the benchmarks, on servers of their own: durable, one broker, a superuser's connection

main() {
  scratch_begin bench
  build
  if [ -z "${ONCEWARD_BENCH_POSTGRES:-}" ]; then
    scratch_postgres
    ONCEWARD_BENCH_POSTGRES=$(postgres_connection postgres postgres)
  fi
  if [ -z "${ONCEWARD_BENCH_KAFKA:-}" ]; then
    scratch_kafka 1
    ONCEWARD_BENCH_KAFKA=$(kafka_bootstrap)
    ONCEWARD_BENCH_KAFKA_VERSION=$(kafka_version)
  fi
  export ONCEWARD_BENCH_POSTGRES ONCEWARD_BENCH_KAFKA ONCEWARD_BENCH_KAFKA_VERSION
  without_lock dotnet run --project "$ROOT/bench/Onceward.Bench" -c Release --no-build -- "$@"
}
