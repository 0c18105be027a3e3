using System.Buffers.Text;
using Confluent.Kafka;
using Google.Protobuf;
using Insurance.Contracts;

namespace Insurance.Load.Verification;

/// <summary>Reads what <c>auto.premiums</c> holds of the chosen runs, and the numbers of the relay's channels on the way.</summary>
internal sealed class PremiumTopic(KafkaClient kafka, IReadOnlySet<string> runs)
{
    // As Onceward's relay writes them.
    private const string ChannelHeader = "onceward-channel";
    private const string SequenceHeader = "onceward-seq";

    public ChannelOrder Channels { get; } = new();

    /// <summary>Records of the runs whose value is no premium.</summary>
    public int Undecodable { get; private set; }

    /// <summary>The premiums of the runs, partition by partition in order.</summary>
    public IEnumerable<PremiumRecord> Read(IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        foreach (var record in kafka.Read([.. partitions.Select(FromBeginning)], cancellationToken))
        {
            var isOfRun = IsOfRun(record.Message.Key);
            var number = Number(record.Message.Headers);
            if (number is { } known)
                Channels.Observe(record.Topic, record.Partition, known, isOfRun);
            if (!isOfRun)
                continue;
            if (Parse(record.Message.Value) is not { } premium)
                Undecodable++;
            else
                yield return new PremiumRecord(
                    record.Partition, record.Offset, premium.EventId, premium.SourceEventId, premium.PolicyId, premium.AmountKopecks, number);
        }
    }

    /// <summary>Dead letters leave through the same channels: their numbers are not missing. To be read after the premiums.</summary>
    public async Task ReadDeadLettersAsync(CancellationToken cancellationToken)
    {
        foreach (var topic in Topology.Topics)
        {
            var partitions = (await kafka.EndsAsync(topic.DeadLetters.Name)).Keys;
            foreach (var record in kafka.Read([.. partitions.Select(FromBeginning)], cancellationToken))
                if (Number(record.Message.Headers) is { } number)
                    Channels.Observe(record.Topic, record.Partition, number, IsOfRun(record.Message.Key));
        }
    }

    // The key is the policy's id, which begins with the run's.
    private bool IsOfRun(ReadOnlySpan<byte> key)
    {
        var dash = key.IndexOf((byte)'-');
        return dash > 0 && runs.Contains(System.Text.Encoding.UTF8.GetString(key[..dash]));
    }

    private static TopicPartitionOffset FromBeginning(TopicPartition partition) => new(partition, Offset.Beginning);

    private static ChannelNumber? Number(Headers? headers) =>
        headers is not null
        && headers.TryGetLastBytes(ChannelHeader, out var channel) && Utf8Parser.TryParse(channel, out int channelNumber, out _)
        && headers.TryGetLastBytes(SequenceHeader, out var seq) && Utf8Parser.TryParse(seq, out long seqNumber, out _)
            ? new ChannelNumber(channelNumber, seqNumber)
            : null;

    private static Premium? Parse(byte[]? value)
    {
        try
        {
            return value is null ? null : Premium.Parser.ParseFrom(value);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
