using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Onceward.Diagnostics;

/// <summary>The instruments, on the meter <c>Onceward</c>: OpenTelemetry's messaging names first, then our own.</summary>
/// <remarks>Names by https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/; durations in seconds.</remarks>
internal static class OncewardMetrics
{
    private static readonly Meter s_meter = new("Onceward");

    private static readonly Histogram<double> s_process = s_meter.CreateHistogram(
        "messaging.process.duration", "s", "Time from taking a batch to its COMMIT.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] });

    private static readonly Counter<long> s_applied = s_meter.CreateCounter<long>("onceward.records.applied", "{record}", "Records whose effects are committed.");
    private static readonly Counter<long> s_repetitions = s_meter.CreateCounter<long>("onceward.records.deduplicated", "{record}", "Records dropped as repetitions of an event id.");
    private static readonly Counter<long> s_deadLetters = s_meter.CreateCounter<long>("onceward.records.dead_lettered", "{record}", "Records that became dead letters.");
    private static readonly Counter<long> s_parked = s_meter.CreateCounter<long>("onceward.records.set_aside", "{record}", "Records parked, because they failed or stand behind one that did.");
    private static readonly Counter<long> s_redriven = s_meter.CreateCounter<long>("onceward.records.redriven", "{record}", "Parked records whose effects are committed.");
    private static readonly Counter<long> s_blocked = s_meter.CreateCounter<long>("onceward.partitions.blocked", "{attempt}", "Attempts at a record that can be neither applied nor parked.");
    private static readonly Counter<long> s_fenced = s_meter.CreateCounter<long>("onceward.partitions.fenced", "{partition}", "Partitions found taken by another owner.");
    private static readonly Counter<long> s_unknown = s_meter.CreateCounter<long>("onceward.commits.unknown", "{commit}", "COMMITs whose outcome had to be looked up.");
    private static readonly Counter<long> s_retries = s_meter.CreateCounter<long>("onceward.batches.retried", "{batch}", "Batches redone for infrastructure errors.");
    private static readonly Counter<long> s_relayed = s_meter.CreateCounter<long>("onceward.outbox.relayed", "{message}", "Outbox rows committed to Kafka.");

    private static readonly ObservableGauge<long> s_keysParked = s_meter.CreateObservableGauge(
        "onceward.keys.parked", () => WorkerLevels.Measure(l => l.KeysParked), "{key}", "Keys of a topic that wait parked, held ones too.");

    private static readonly ObservableGauge<long> s_recordsParked = s_meter.CreateObservableGauge(
        "onceward.records.parked", () => WorkerLevels.Measure(l => l.RecordsParked), "{record}", "Records of a topic that wait parked.");

    private static readonly ObservableGauge<long> s_partitionsStopped = s_meter.CreateObservableGauge(
        "onceward.partitions.stopped", () => WorkerLevels.Measure(l => l.PartitionsStopped), "{partition}", "Partitions of a topic that are not read until a person has decided.");

    /// <summary>Whether anybody asks for the levels that a look at the ledger brings.</summary>
    public static bool WantsLevels => s_keysParked.Enabled || s_recordsParked.Enabled || s_partitionsStopped.Enabled;

    public static void BatchCommitted(string worker, double seconds, int records, int repetitions, int deadLetters, int parked)
    {
        var tags = new TagList
        {
            { "messaging.system", "kafka" }, { "messaging.operation.name", "process" }, { "messaging.operation.type", "process" },
            { "messaging.consumer.group.name", worker },
        };
        s_process.Record(seconds, tags);
        s_applied.Add(records - repetitions - deadLetters - parked, Worker(worker));
        s_repetitions.Add(repetitions, Worker(worker));
        s_deadLetters.Add(deadLetters, Worker(worker));
        s_parked.Add(parked, Worker(worker));
    }

    public static void Redriven(string worker, int records, int deadLetters)
    {
        s_redriven.Add(records, Worker(worker));
        s_deadLetters.Add(deadLetters, Worker(worker));
    }

    public static void Blocked(string worker) => s_blocked.Add(1, Worker(worker));

    public static void Fenced(string worker) => s_fenced.Add(1, Worker(worker));

    public static void CommitUnknown(string worker) => s_unknown.Add(1, Worker(worker));

    public static void BatchRetried(string worker) => s_retries.Add(1, Worker(worker));

    public static void Relayed(string application, int rows) => s_relayed.Add(rows, new KeyValuePair<string, object?>("onceward.application", application));

    private static KeyValuePair<string, object?> Worker(string name) => new("onceward.worker", name);
}
