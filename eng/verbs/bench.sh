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
  fi
  export ONCEWARD_POSTGRES KAFKA_BOOTSTRAP_SERVERS
  without_lock dotnet run --project "$ROOT/bench/Onceward.Bench" -c Release --no-build -- "$@"
}
