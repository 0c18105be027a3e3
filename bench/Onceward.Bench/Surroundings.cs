using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace Onceward.Bench;

/// <summary>The versions and settings that the main job was measured with.</summary>
internal static class Surroundings
{
    public static async Task<IReadOnlyList<(string What, string Value)>> DescribeAsync(string server)
    {
        await using var database = await BenchDatabase.CreateAsync(server, "");
        return
        [
            ("Processor", $"{Machine.Cpu()}, {Environment.ProcessorCount} cores, shared by client, broker and database"),
            ("Memory", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1024.0 / 1024 / 1024:0} GiB"),
            ("Kafka", Environment.GetEnvironmentVariable("ONCEWARD_BENCH_KAFKA_VERSION") ?? "version not known"),
            ("PostgreSQL", await database.ScalarAsync("SELECT format('%s, fsync %s, synchronous_commit %s', current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'))")),
            (".NET", $"{RuntimeInformation.FrameworkDescription}, librdkafka {Library.VersionString}, Npgsql {typeof(Npgsql.NpgsqlConnection).Assembly.GetName().Version!.ToString(3)}"),
            ("Commit", Machine.Commit()),
        ];
    }
}
