using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Outbox;

/// <summary>Finds out which rows of a transaction no reader of committed data can see, though its positions were committed.</summary>
/// <remarks>
/// <para>A Kafka transaction is whole by contract, and the relay rests on that. Apache Kafka breaks it when a coordinator comes back from a crash with records
/// that no replica has: some partitions get its COMMIT, others an abort. A partition's part of a transaction is whole even then.</para>
/// <para><b>Guarantee:</b> a row is called missing only where its topic was read from before the transaction began to an end behind it, with nothing
/// deleted or compacted in between. Where that cannot be had, rows count as seen: that is Kafka's word.</para>
/// </remarks>
internal sealed class TransactionCheck(OncewardOptions options, Cluster cluster, TimeProvider time)
{
    // By how much clocks may differ: of the relay that began, of one that has published what was missing before, of a broker that stamps records itself.
    private static readonly TimeSpan s_skew = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    /// <param name="rows">Rows that the transaction published, by its positions.</param>
    /// <param name="began">When the first of them can have been produced, by the clock of the relay that stamped them.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Those that are not there; and whether all could be looked for.</returns>
    public async Task<(IReadOnlyList<OutboxRow> Missing, bool IsSure)> FindMissingAsync(
        IReadOnlyList<OutboxRow> rows, DateTimeOffset began, CancellationToken cancellationToken)
    {
        var (missing, isSure) = (new List<OutboxRow>(), true);
        foreach (var topic in rows.GroupBy(r => r.Topic, StringComparer.Ordinal))
        {
            var started = time.GetTimestamp();
            var wanted = topic.ToDictionary(r => (r.Channel, r.Seq));
            try
            {
                if (await RangesAsync(topic.Key, began, started, cancellationToken).ConfigureAwait(false) is { } ranges
                    && await Task.Run(() => Look(ranges, wanted, started, cancellationToken), cancellationToken).ConfigureAwait(false)
                    && await IsWholeAsync(ranges, cancellationToken).ConfigureAwait(false))
                    missing.AddRange(topic.Where(r => wanted.ContainsKey((r.Channel, r.Seq))));
                else
                    isSure = false;
            }
            // Who may write to a topic need not be allowed to read it. And one that has been away for long must not keep the slot's other topics waiting.
            catch (KafkaException e) when (
                e.Error.Code is ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed || time.GetUtcNow() - began > s_patience)
            {
                isSure = false;
            }
        }
        return (missing, isSure);
    }

    /// <summary>What to read of each partition, nothing perhaps; null: records may vanish from its middle, or it cannot be read to the end for now.</summary>
    private async Task<Dictionary<TopicPartition, (long From, long To)>?> RangesAsync(
        string topic, DateTimeOffset since, long started, CancellationToken cancellationToken)
    {
        var metadata = await Task.Run(() => cluster.Admin.GetMetadata(topic, s_limit).Topics.Single(), cancellationToken).ConfigureAwait(false);
        if (metadata.Error.Code is ErrorCode.UnknownTopicOrPart)
            return null;
        if (metadata.Error.IsError)
            throw new KafkaException(metadata.Error);
        if (await cluster.IsCompactedAsync(topic, cancellationToken).ConfigureAwait(false))
            return null;
        var all = metadata.Partitions.ConvertAll(p => new TopicPartition(topic, p.PartitionId)).ToArray();
        var ends = await cluster.EndsAsync(all, cancellationToken).ConfigureAwait(false);
        var goal = ends.ToDictionary(e => e.Key, e => e.Value.End);
        // Behind a transaction of somebody else's that is still open nothing is committed for a reader, and nothing is missing either.
        while (ends.Any(e => e.Value.Stable < goal[e.Key]))
        {
            if (time.GetElapsedTime(started) > s_limit)
                return null;
            await Task.Delay(s_pause, time, cancellationToken).ConfigureAwait(false);
            ends = await cluster.EndsAsync(all, cancellationToken).ConfigureAwait(false);
        }
        var starts = await cluster.OffsetsAtAsync(all, since - s_skew, cancellationToken).ConfigureAwait(false);
        return starts.ToDictionary(s => s.Key, s => (s.Value ?? goal[s.Key], goal[s.Key]));
    }

    /// <summary>
    /// Whether nothing of what was to be read can have been deleted, before it was read or meanwhile: deletion goes from the front, so one record that is
    /// left before it proves that.
    /// </summary>
    private async Task<bool> IsWholeAsync(Dictionary<TopicPartition, (long From, long To)> ranges, CancellationToken cancellationToken)
    {
        var bounds = await cluster.BoundsAsync(ranges.Keys, cancellationToken).ConfigureAwait(false);
        return ranges.All(r => bounds[r.Key].Low is var low && (low == 0 || low < r.Value.From));
    }

    /// <summary>Takes what it sees out of <paramref name="wanted"/>. Returns whether it came to the end.</summary>
    private bool Look(
        Dictionary<TopicPartition, (long From, long To)> ranges, Dictionary<(int Channel, long Seq), OutboxRow> wanted, long started, CancellationToken cancellationToken)
    {
        using var consumer = PositionLog.Reader(options);
        var left = ranges.Where(r => r.Value.From < r.Value.To).Select(r => r.Key).ToHashSet();
        consumer.Assign(left.Select(p => new TopicPartitionOffset(p, ranges[p].From)));
        while (left.Count > 0 && wanted.Count > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (time.GetElapsedTime(started) > s_limit)
                return false;
            if (consumer.Consume(s_pause) is not { } result)
                continue;
            if (result.Offset.Value + (result.IsPartitionEOF ? 0 : 1) >= ranges[result.TopicPartition].To)
                left.Remove(result.TopicPartition);
            if (!result.IsPartitionEOF && PlaceOf(result.Message.Headers) is { } place && wanted.TryGetValue(place, out var row) && IsThe(row, result))
                wanted.Remove(place);
        }
        return true;
    }

    /// <summary>Another application's relay may count its channels alike.</summary>
    private static bool IsThe(OutboxRow row, Record seen) => OffsetStore.RecordHash(seen) == OffsetStore.Hash(row.Key, row.Value);

    private static (int Channel, long Seq)? PlaceOf(Headers headers) =>
        headers.TryGetLastBytes(OncewardHeaders.Channel, out var channel) && headers.TryGetLastBytes(OncewardHeaders.Sequence, out var seq)
        && int.TryParse(Encoding.UTF8.GetString(channel), NumberStyles.None, CultureInfo.InvariantCulture, out var c)
        && long.TryParse(Encoding.UTF8.GetString(seq), NumberStyles.None, CultureInfo.InvariantCulture, out var s)
            ? (c, s)
            : null;
}
