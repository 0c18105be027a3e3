namespace Onceward.Outbox;

/// <summary>Holds what Kafka says was published against what the outbox has, before anything more is published on top.</summary>
internal static class ChannelCheck
{
    /// <summary>The rows to publish, or why the channel must stop.</summary>
    /// <remarks>Model: <c>Produce</c>, with <c>HashOk</c>. The numbers of a channel are dense, so a hole is a fault too.</remarks>
    public static (ReadOnlyMemory<OutboxRow> Rows, string? Fault) Examine(ChannelRows found, ChannelPosition? position)
    {
        if (position is null && found.RelayedSeq > 0)
            return (default, $"Kafka holds no position, but rows up to {found.RelayedSeq} were published: the relay topic lost records or was created anew.");
        if (position is not null && position.NextSeq < found.RelayedSeq)
            return (default, $"Kafka's position {position.NextSeq} is before {found.RelayedSeq}, up to which rows were published: the relay topic lost records.");

        var rows = found.Rows.ToArray().AsMemory();
        var next = position?.NextSeq ?? 0;
        if (position is not null)
        {
            if (rows.IsEmpty || rows.Span[0].Seq != next - 1)
                return (default, $"row {next - 1}, published last, is not in the outbox: the database went back, or the row was deleted by hand.");
            if (rows.Span[0].Hash() != position.Hash)
                return (default, $"row {next - 1} is not the one that was published: the database went back and took another way.");
            rows = rows[1..];
        }
        for (var i = 0; i < rows.Length; i++)
            if (rows.Span[i].Seq != next + i)
                return (default, $"row {next + i} is missing: numbers of a channel are dense, so somebody deleted it.");
        return (rows, null);
    }
}
