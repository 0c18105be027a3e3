using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onceward.Bench;

namespace Onceward.Broker.Bench;

/// <summary>What the embedded broker costs where there is much of it, or often: its start in a warm process, and 10,000 partitions.</summary>
internal static class Scale
{
    public const string Verb = "scale";

    private const int Starts = 20;
    private const int Topics = 10;
    private const int PartitionsOfATopic = 1_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static async Task RunAsync(string command)
    {
        var text = new StringBuilder();
        text.AppendLine("# The embedded broker's start, and 10,000 partitions").AppendLine()
            .AppendLine($"- Processor: {Machine.Cpu()}, {Environment.ProcessorCount} cores")
            .AppendLine($"- .NET: {RuntimeInformation.FrameworkDescription}")
            .AppendLine($"- Commit: {Machine.Commit()}")
            .AppendLine($"- Command: `{command}`").AppendLine()
            .AppendLine($"`EmbeddedBroker.StartAsync` and a first answer, in a process that has started one before: median of {Starts}, with the range.").AppendLine()
            .AppendLine("| records | start, ms | start to the first answer, ms |").AppendLine("|---|---:|---:|");
        await StartsAsync(text, "in memory", null);
        var folder = Directory.CreateTempSubdirectory("onceward-broker-scale-").FullName;
        try
        {
            await StartsAsync(text, "on disk, an empty folder each", folder);
            text.AppendLine().AppendLine($"{Topics} topics of {PartitionsOfATopic:N0} partitions, on disk, in a process of its own.").AppendLine()
                .AppendLine("| after | took, s | resident memory, MiB | files and sockets | threads |").AppendLine("|---|---:|---:|---:|---:|");
            await PartitionsAsync(text, Path.Combine(folder, "many"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        text.AppendLine().AppendLine("An idle partition has neither a file handle nor a timer nor a thread; of those that are used 400 at most keep their file open.");
        Console.WriteLine(text);
        var path = Path.Combine("bench", "results", $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd}-broker-scale.md");
        await File.WriteAllTextAsync(Path.Combine(Machine.Root, path), text.ToString());
        Console.WriteLine($"written to {path}");
    }

    private static async Task StartsAsync(StringBuilder text, string records, string? folder)
    {
        List<double> started = [], answered = [];
        for (var i = -2; i < Starts; i++) // two warm up
        {
            var options = new BrokerOptions { DataDirectory = folder is null ? null : Path.Combine(folder, $"start{i}") };
            var watch = Stopwatch.StartNew();
            await using var broker = await EmbeddedBroker.StartAsync(options);
            var start = watch.Elapsed.TotalMilliseconds;
            if (!await BrokerProcess.AnswersAsync(IPEndPoint.Parse(broker.BootstrapServers).Port))
                throw new InvalidOperationException("A started broker does not answer.");
            if (i < 0)
                continue;
            started.Add(start);
            answered.Add(watch.Elapsed.TotalMilliseconds);
        }
        text.AppendLine($"| {records} | {Median(started)} | {Median(answered)} |");
    }

    private static async Task PartitionsAsync(StringBuilder text, string folder)
    {
        var topics = Enumerable.Range(0, Topics).Select(topic => $"many-{topic}").ToList();
        await using (var broker = await Backend.StartEmbeddedAsync(folder))
        {
            Row(text, "the start, empty", broker.Started, broker);
            var watch = Stopwatch.StartNew();
            using (var admin = Admin(broker))
                await admin.CreateTopicsAsync(topics.Select(topic => new TopicSpecification { Name = topic, NumPartitions = PartitionsOfATopic, ReplicationFactor = 1 }));
            Row(text, "creating the topics", watch.Elapsed, broker);
            watch.Restart();
            Write(broker, topics);
            Row(text, "a record to each partition", watch.Elapsed, broker);
        } // SIGKILL: each log has to be recovered.
        await using var again = await Backend.StartEmbeddedAsync(folder);
        Row(text, "the start after SIGKILL, until it answers", again.Started, again);
        var reading = Stopwatch.StartNew();
        await EndsAsync(again, topics);
        Row(text, "asking for the end of each partition, which recovers it", reading.Elapsed, again);
    }

    private static void Write(BrokerProcess broker, List<string> topics)
    {
        using var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = broker.Servers, Acks = Acks.All, LingerMs = 5 }).Build();
        Error? failed = null;
        foreach (var topic in topics)
            for (var partition = 0; partition < PartitionsOfATopic; partition++)
                producer.Produce(new TopicPartition(topic, partition), new Message<Null, byte[]> { Value = new byte[100] }, report => failed ??= report.Error.IsError ? report.Error : null);
        if (producer.Flush(s_patience) > 0 || failed is not null)
            throw new InvalidOperationException($"not every partition took its record: {failed}");
    }

    private static async Task EndsAsync(BrokerProcess broker, List<string> topics)
    {
        using var admin = Admin(broker);
        var asked = topics.SelectMany(topic => Enumerable.Range(0, PartitionsOfATopic).Select(partition => new TopicPartitionOffsetSpec { TopicPartition = new TopicPartition(topic, partition), OffsetSpec = OffsetSpec.Latest() }));
        var ends = await admin.ListOffsetsAsync(asked, new ListOffsetsOptions { RequestTimeout = s_patience });
        if (ends.ResultInfos.Any(end => end.TopicPartitionOffsetError.Offset != 1))
            throw new InvalidOperationException("a record is gone");
    }

    private static IAdminClient Admin(BrokerProcess broker) => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.Servers }).Build();

    private static void Row(StringBuilder text, string after, TimeSpan took, BrokerProcess broker) =>
        text.AppendLine(CultureInfo.InvariantCulture, $"| {after} | {took.TotalSeconds:0.00} | {broker.ResidentMiB:0} | {broker.Handles} | {broker.Threads} |");

    private static string Median(List<double> values)
    {
        values.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"**{(values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2:0.0}** ({values[0]:0.0}–{values[^1]:0.0})");
    }
}
