using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Onceward.Diagnostics;

/// <summary>What of a topic stands still, as the ledger has it: for the whole topic, whichever process is asked.</summary>
internal readonly record struct Levels(long KeysParked, long RecordsParked, long PartitionsStopped);

/// <summary>What a worker saw with its last look at the ledger, for gauges that must not ask it themselves. Gone with the worker.</summary>
internal sealed class WorkerLevels : IDisposable
{
    private static readonly ConcurrentDictionary<WorkerLevels, string> s_all = new();

    private volatile IReadOnlyDictionary<string, Levels> _byTopic = new Dictionary<string, Levels>();

    public WorkerLevels(string worker) => s_all[this] = worker;

    public void Set(IReadOnlyDictionary<string, Levels> byTopic) => _byTopic = byTopic;

    public static IEnumerable<Measurement<long>> Measure(Func<Levels, long> level) =>
        from seen in s_all
        from topic in seen.Key._byTopic
        select new Measurement<long>(level(topic.Value), new("onceward.worker", seen.Value), new("messaging.destination.name", topic.Key));

    public void Dispose() => s_all.TryRemove(this, out _);
}
