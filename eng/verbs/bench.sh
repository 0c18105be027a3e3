# shellcheck shell=bash
# usage: bench [--parts P,…] …                   the main job, on servers of its own (KAFKA_HOME): throughput, partitions, latency, memory, recovery
# usage: bench broker …                          the embedded broker beside Apache Kafka (KAFKA_HOME) and librdkafka's mock
# usage: bench broker scale                      its start in a warm process, and what 10,000 partitions cost

main() {
  scratch_begin bench
  build
  if [ "${1:-}" = broker ]; then
    shift
    if [ "${1:-}" = scale ]; then
      without_lock "$ROOT/bench/Onceward.Broker.Bench/bin/Release/net10.0/Onceward.Broker.Bench" scale
      return
    fi
    need_kafka
    ONCEWARD_BENCH_KAFKA_VERSION=$(kafka_version)
    export ONCEWARD_BENCH_KAFKA_VERSION KAFKA_HOME
    without_lock "$ROOT/bench/Onceward.Broker.Bench/bin/Release/net10.0/Onceward.Broker.Bench" "$@"
    return
  fi
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
