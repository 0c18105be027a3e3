namespace Onceward.Broker.Bench;

/// <summary>All lines of one broker, started for it and ended after it, on an empty folder.</summary>
internal static class Measurement
{
    private const int SmallBytes = 100;
    private const int LargeBytes = 1_000;

    public static async Task<Figures> TakeAsync(Backend backend, int records)
    {
        var folder = Directory.CreateTempSubdirectory("onceward-broker-bench-").FullName;
        try
        {
            await using var broker = await backend.Start(folder);
            var figures = new Figures();
            figures.Set("start", broker.Started.TotalSeconds);
            figures.Set("idle", broker.ResidentMiB);
            await TakeAsync(backend, broker.Servers, records / 4, new Figures()); // so that each has compiled what it will run
            await TakeAsync(backend, broker.Servers, records, figures);
            figures.Set("loaded", broker.ResidentMiB);
            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task TakeAsync(Backend backend, string servers, int records, Figures figures)
    {
        var topic = await Workloads.CreateTopicAsync(servers, backend.Keeps);
        figures.Set("produce", Workloads.Produce(servers, topic, records, SmallBytes, idempotent: false));
        Arrived(Workloads.EndOf(servers, topic), records);
        if (backend.Keeps) // The mock keeps 5 MiB of a partition and says nothing of the rest.
            figures.Set("consume", Workloads.Consume(servers, topic, records));
        await Workloads.DeleteTopicAsync(servers, topic, backend.Keeps);

        await WithTopicAsync(backend, servers, records / 5, large => figures.Set("large", Workloads.Produce(servers, large, records / 5, LargeBytes, idempotent: false)));
        await WithTopicAsync(backend, servers, records, own => figures.Set("idempotent", Workloads.Produce(servers, own, records, SmallBytes, idempotent: true)));
        await WithTopicAsync(backend, servers, Workloads.SyncSends, own =>
        {
            var latencies = Workloads.SyncLatencies(servers, own, SmallBytes);
            figures.Set("p50", latencies[latencies.Length / 2]);
            figures.Set("p99", latencies[latencies.Length * 99 / 100]);
        });
        if (backend.Keeps)
            await WithTopicAsync(backend, servers, records / 5, own => figures.Set("transactions", Workloads.Transactions(servers, own, records / 5, SmallBytes)));
    }

    private static async Task WithTopicAsync(Backend backend, string servers, int records, Action<string> measure)
    {
        var topic = await Workloads.CreateTopicAsync(servers, backend.Keeps);
        measure(topic);
        Arrived(Workloads.EndOf(servers, topic), records);
        await Workloads.DeleteTopicAsync(servers, topic, backend.Keeps);
    }

    private static void Arrived(long end, int records)
    {
        if (end < records)
            throw new InvalidOperationException($"the partition ends at {end} after {records} acknowledged records");
    }
}
