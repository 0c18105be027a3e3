using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace Onceward.Broker.Crash;

/// <summary>Topics, groups and the form of values.</summary>
internal static class Names
{
    public const string Plain = "plain";
    public const string Idempotent = "idempotent";
    public const string Transactional = "transactional";

    /// <summary>For what is written beside the load, and not checked.</summary>
    public const string Other = "other";

    public const int Partitions = 3;
    public const int TransactionalProducers = 2;
    public const string PlainGroup = "group-plain";

    /// <summary>Segments as small as Kafka allows them, so that kills fall into rolls too.</summary>
    public const string TopicsFile =
        $"{Plain} 3 segment.bytes=1048576\n{Idempotent} 3 segment.bytes=1048576 index.interval.bytes=512\n{Transactional} 3 segment.bytes=1048576\n{Other} 1\n";

    private const int MostPadding = 600;

    public static IEnumerable<TopicPartition> PartitionsOf(params string[] topics) =>
        topics.SelectMany(topic => Enumerable.Range(0, Partitions).Select(partition => new TopicPartition(topic, partition)));

    public static string TransactionalGroup(int producer) => $"group-transactional-{producer}";

    public static byte[] Value(int producer, long number, Random random) =>
        Encoding.ASCII.GetBytes($"{producer}:{number} {new string('x', random.Next(MostPadding))}");

    public static Entry Read(long offset, byte[] value)
    {
        var text = Encoding.ASCII.GetString(value);
        var (colon, space) = (text.IndexOf(':', StringComparison.Ordinal), text.IndexOf(' ', StringComparison.Ordinal));
        return new Entry(offset, int.Parse(text.AsSpan(0, colon), CultureInfo.InvariantCulture), long.Parse(text.AsSpan(colon + 1, space - colon - 1), CultureInfo.InvariantCulture));
    }
}
