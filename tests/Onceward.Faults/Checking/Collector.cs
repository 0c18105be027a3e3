using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using Npgsql;
using Onceward.Faults.Stage;

namespace Onceward.Faults.Checking;

/// <summary>Reads the history of a run that is over: tables and topics.</summary>
internal static class Collector
{
    public static async Task<History> CollectAsync(Scene scene, RunOptions options, TimeSpan? drained, CancellationToken cancellationToken)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        string Shared(string name) => names.TryGetValue(name, out var known) ? known : names[name] = name;
        var ends = TopicReader.EndsOf(options, scene.Input, options.LastPartitions);
        var history = new History
        {
            Acked = scene.Journal.Acked,
            Visible = TopicReader.Read(options, scene.Input, options.LastPartitions, r => Visible(r, Shared)),
            Published =
            [
                .. TopicReader.Read(options, scene.Output, RunOptions.OutputPartitions, r => Published(r, Shared)),
                .. TopicReader.Read(options, scene.DeadLetters, 2, r => Published(r, Shared)),
            ],
            Ledger = await ReadAsync(
                scene, """SELECT id, partition, "offset", key, seq, amount, transaction FROM ledger ORDER BY id""",
                r => new LedgerRow(r.GetInt64(0), r.GetInt32(1), r.GetInt64(2), Shared(r.GetString(3)), r.GetInt64(4), r.GetInt64(5), r.GetInt64(6)), cancellationToken),
            Balances = (await ReadAsync(scene, "SELECT key, balance FROM account", r => (Key: r.GetString(0), Balance: r.GetInt64(1)), cancellationToken))
                .ToDictionary(a => a.Key, a => a.Balance),
            DeadLetters = await ReadAsync(scene, """SELECT partition, "offset" FROM onceward.dead_letter""", Place, cancellationToken),
            Parked = await ReadAsync(scene, """SELECT partition, "offset" FROM onceward.parked_record""", Place, cancellationToken),
            EverParked = [.. await ReadAsync(scene, """SELECT partition, "offset" FROM parked_history""", Place, cancellationToken)],
            Moves = await ReadAsync(
                scene, "SELECT id, partition, old_next, new_next, old_epoch, new_epoch, state, session, transaction FROM offset_history ORDER BY id", Move, cancellationToken),
            OutputTopic = scene.Output,
            DeadLetterTopic = scene.DeadLetters,
            Ends = await ReadAsync(
                scene, "SELECT partition, next_offset, epoch, state, channel_id, next_out_seq FROM onceward.consumer_offset ORDER BY partition",
                r => new PartitionEnd(r.GetInt32(0), r.GetInt64(1), ends[r.GetInt32(0)], r.GetInt64(2), r.GetString(3), r.GetInt32(4), r.GetInt64(5)), cancellationToken),
            Drained = drained,
            HasGrown = options.GrowTo is not null,
            UnexpectedExits = scene.UnexpectedExits,
        };
        return history;
    }

    private static Place Place(NpgsqlDataReader reader) => new(reader.GetInt32(0), reader.GetInt64(1));

    private static OffsetMove Move(NpgsqlDataReader r) => new(
        r.GetInt64(0), r.GetInt32(1), r.IsDBNull(2) ? null : r.GetInt64(2), r.GetInt64(3), r.IsDBNull(4) ? null : r.GetInt64(4), r.GetInt64(5), r.GetString(6),
        r.GetString(7), r.GetInt64(8));

    private static async Task<List<T>> ReadAsync<T>(Scene scene, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var command = scene.Store.Command(sql);
        command.CommandTimeout = 300;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }

    private static LogRecord Visible(ConsumeResult<byte[], byte[]> record, Func<string, string> shared)
    {
        var key = shared(Encoding.UTF8.GetString(record.Message.Key));
        try
        {
            var entry = JsonSerializer.Deserialize<Entry>(record.Message.Value, JsonSerializerOptions.Web)!;
            var kind = Checker.IsAborted(key) ? RecordKind.Aborted : entry.FailsUntil == long.MaxValue ? RecordKind.Hopeless : RecordKind.Ordinary;
            return new LogRecord(record.Partition.Value, record.Offset.Value, key, entry.Seq, entry.Amount, kind);
        }
        catch (JsonException)
        {
            return new LogRecord(record.Partition.Value, record.Offset.Value, key, -1, 0, RecordKind.Undecodable);
        }
    }

    private static OutMessage Published(ConsumeResult<byte[], byte[]> message, Func<string, string> shared)
    {
        var key = shared(Encoding.UTF8.GetString(message.Message.Key));
        var (channel, seq) = ((int)Number(message, OncewardHeaders.Channel), Number(message, OncewardHeaders.Sequence));
        if (message.Message.Headers.TryGetLastBytes(OncewardHeaders.DeadLetterPrefix + "offset", out _))
        {
            var cause = new Place(
                (int)Number(message, OncewardHeaders.DeadLetterPrefix + "partition"), Number(message, OncewardHeaders.DeadLetterPrefix + "offset"));
            return new OutMessage(shared(message.Topic), message.Partition.Value, channel, seq, key, cause, -1);
        }
        var applied = JsonSerializer.Deserialize<Applied>(message.Message.Value, JsonSerializerOptions.Web)!;
        return new OutMessage(shared(message.Topic), message.Partition.Value, channel, seq, key, new Place(applied.Partition, applied.Offset), applied.Seq);
    }

    private static long Number(ConsumeResult<byte[], byte[]> message, string header) =>
        message.Message.Headers.TryGetLastBytes(header, out var bytes) && long.TryParse(Encoding.UTF8.GetString(bytes), out var number) ? number : -1;
}
