using Npgsql;

namespace Onceward.Faults;

/// <summary>Where the handlers publish to; the same in the whole process.</summary>
internal sealed record OutputTopic(string Name);

/// <summary>The time that a handler takes beside its statements, in the open transaction: faults find it at work, and records waiting behind it.</summary>
internal static class Work
{
    public static Task DoAsync(TimeProvider time, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(10, 40)), time, cancellationToken);
}

/// <summary>All records at once: balances grow, a table without a unique index gets a row for each, a message for each goes out.</summary>
internal sealed class EntryBatchHandler(OutputTopic output, TimeProvider time) : IBatchHandler<Entry>
{
    public async ValueTask HandleAsync(IReadOnlyList<Received<Entry>> records, BatchContext context, CancellationToken cancellationToken)
    {
        foreach (var record in records)
            record.Message.ThrowIfPoison(time);
        await using var command = new NpgsqlCommand(AddAndInsert, context.Connection, context.Transaction)
        {
            Parameters =
            {
                new NpgsqlParameter<int[]> { TypedValue = [.. records.Select(r => r.Position.Partition.Value)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. records.Select(r => r.Position.Offset.Value)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. records.Select(r => r.Message.Key)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. records.Select(r => r.Message.Seq)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. records.Select(r => r.Message.Amount)] },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
        await Work.DoAsync(time, cancellationToken);
        foreach (var record in records)
            context.Publish(
                record, output.Name, record.Message.Key,
                new Applied(record.Position.Partition.Value, record.Position.Offset.Value, record.Message.Key, record.Message.Seq));
    }

    private const string AddAndInsert = """
        WITH r AS (
            SELECT * FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS r (partition, "offset", key, seq, amount, place)),
        added AS (
            UPDATE account SET balance = balance + s.amount
              FROM (SELECT key, sum(amount) AS amount FROM r GROUP BY key) s
             WHERE account.key = s.key)
        INSERT INTO ledger (partition, "offset", key, seq, amount)
        SELECT partition, "offset", key, seq, amount FROM r ORDER BY place
        """;
}

/// <summary>The same, one record at a time, with staged writes.</summary>
internal sealed class EntryHandler(OutputTopic output, TimeProvider time) : IHandler<Entry>
{
    public ValueTask HandleAsync(Entry message, RecordContext context, CancellationToken cancellationToken)
    {
        message.ThrowIfPoison(time);
        var (partition, offset) = (context.Record.Partition.Value, context.Record.Offset.Value);
        context.Stage(new NpgsqlBatchCommand("UPDATE account SET balance = balance + $2 WHERE key = $1")
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = message.Key }, new NpgsqlParameter<long> { TypedValue = message.Amount } },
        });
        context.Stage(new NpgsqlBatchCommand("""INSERT INTO ledger (partition, "offset", key, seq, amount) VALUES ($1, $2, $3, $4, $5)""")
        {
            Parameters =
            {
                new NpgsqlParameter<int> { TypedValue = partition },
                new NpgsqlParameter<long> { TypedValue = offset },
                new NpgsqlParameter<string> { TypedValue = message.Key },
                new NpgsqlParameter<long> { TypedValue = message.Seq },
                new NpgsqlParameter<long> { TypedValue = message.Amount },
            },
        });
        context.Publish(output.Name, message.Key, new Applied(partition, offset, message.Key, message.Seq));
        return ValueTask.CompletedTask;
    }
}
