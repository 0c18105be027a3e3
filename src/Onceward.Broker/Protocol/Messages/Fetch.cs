using Onceward.Broker.Log;

namespace Onceward.Broker.Protocol.Messages;

/// <summary>
/// Version 7 adds sessions (KIP-227), 9 the leader epoch that the client knows, 11 the client's rack, 12 the epoch of the last record read,
/// 13 names topics by id, 15 moves the replica into a tagged field, which consumers do not send.
/// </summary>
internal sealed record FetchRequest(
    int MaxWaitMs, int MinBytes, int MaxBytes, bool ReadCommitted, int SessionId, int SessionEpoch, List<FetchTopic> Topics, List<FetchTopic> Forgotten)
    : IRequest<FetchRequest>
{
    public static FetchRequest Read(ref WireReader reader)
    {
        if (reader.Version <= 14)
            reader.Int32(); // replica: only consumers ask here
        var request = new FetchRequest(
            reader.Int32(),
            reader.Int32(),
            reader.Int32(),
            reader.Int8() == 1,
            reader.Version >= 7 ? reader.Int32() : 0,
            reader.Version >= 7 ? reader.Int32() : -1,
            reader.Array(FetchTopic.Read),
            reader.Version >= 7 ? reader.Array(FetchTopic.ReadForgotten) : []);
        if (reader.Version >= 11)
            reader.String(); // rack
        reader.Tags();
        return request;
    }
}

/// <summary>A topic's name up to version 12, its id from 13.</summary>
internal readonly record struct TopicKey(string? Name, Guid Id)
{
    public static TopicKey Read(ref WireReader reader) =>
        reader.Version >= 13 ? new(null, reader.Uuid()) : new(reader.String(), Guid.Empty);

    public void Write(WireWriter writer)
    {
        if (writer.Version >= 13)
            writer.Uuid(Id);
        else
            writer.String(Name ?? "");
    }
}

internal sealed record FetchTopic(TopicKey Topic, List<FetchPartition> Partitions)
{
    public static FetchTopic Read(ref WireReader reader)
    {
        var topic = new FetchTopic(TopicKey.Read(ref reader), reader.Array(FetchPartition.Read));
        reader.Tags();
        return topic;
    }

    public static FetchTopic ReadForgotten(ref WireReader reader)
    {
        var topic = new FetchTopic(TopicKey.Read(ref reader), reader.Int32Array().ConvertAll(partition => new FetchPartition(partition, -1, 0, 0)));
        reader.Tags();
        return topic;
    }
}

/// <param name="Partition">The partition.</param>
/// <param name="LeaderEpoch">As the client knows it; -1: not checked.</param>
/// <param name="Offset">The first record wanted.</param>
/// <param name="MaxBytes">Most bytes of this partition.</param>
internal readonly record struct FetchPartition(int Partition, int LeaderEpoch, long Offset, int MaxBytes)
{
    public static FetchPartition Read(ref WireReader reader)
    {
        var number = reader.Int32();
        var epoch = reader.Version >= 9 ? reader.Int32() : -1;
        var offset = reader.Int64();
        if (reader.Version >= 12)
            reader.Int32(); // epoch of the last record: followers find by it where logs part
        if (reader.Version >= 5)
            reader.Int64(); // the follower's log start
        var partition = new FetchPartition(number, epoch, offset, reader.Int32());
        reader.Tags();
        return partition;
    }
}

/// <summary>
/// Version 5 adds the log's start, 7 the session, 11 the replica to read from, which is none but this one.
/// </summary>
/// <remarks>Records are copied once, from the log into the response. Records that were deleted meanwhile are an empty answer, never a null one.</remarks>
internal sealed record FetchResponse(ErrorCode Error, int SessionId, List<FetchResponseTopic> Topics) : IResponse
{
    public int SizeHint => (int)Math.Min(256 + Topics.Sum(topic => 64L + topic.Partitions.Sum(partition => partition.SizeHint)), Array.MaxLength);

    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        if (writer.Version >= 7)
        {
            writer.Error(Error);
            writer.Int32(SessionId);
        }
        writer.Array(Topics, static (writer, topic) =>
        {
            topic.Topic.Write(writer);
            writer.Array(topic.Partitions, static (writer, partition) => partition.Write(writer));
            writer.Tags();
        });
        writer.Tags();
    }
}

internal sealed record FetchResponseTopic(TopicKey Topic, List<FetchResponsePartition> Partitions);

/// <param name="Partition">The partition.</param>
/// <param name="Read">Its state and records, of one moment.</param>
/// <param name="ReadCommitted">Then the list of aborted transactions is there, if only empty.</param>
internal readonly record struct FetchResponsePartition(int Partition, LogRead Read, bool ReadCommitted)
{
    public long SizeHint => 96 + Read.Records.Length + 16 * (Read.Aborted?.Count ?? 0);

    public void Write(WireWriter writer)
    {
        writer.Int32(Partition);
        writer.Error(Read.Error);
        writer.Int64(Read.HighWatermark);
        writer.Int64(Read.LastStableOffset);
        if (writer.Version >= 5)
            writer.Int64(Read.StartOffset);
        writer.Array(ReadCommitted ? Read.Aborted : null, static (writer, aborted) =>
        {
            writer.Int64(aborted.ProducerId);
            writer.Int64(aborted.FirstOffset);
            writer.Tags();
        });
        if (writer.Version >= 11)
            writer.Int32(-1); // preferred replica
        WriteRecords(writer);
        writer.Tags();
    }

    private void WriteRecords(WireWriter writer)
    {
        var before = writer.Length;
        writer.BytesLength(Read.Records.Length);
        if (Read.Records.CopyTo(writer.Reserve(Read.Records.Length)) == Read.Records.Length)
            return;
        writer.Rewind(before);
        writer.BytesLength(0);
    }
}
