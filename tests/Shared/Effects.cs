using System.Text.Json;
using Npgsql;
using Shouldly;

namespace Onceward.TestSupport;

/// <summary>A message whose effect is not idempotent: a balance grows by its amount.</summary>
public sealed record Deposit(string Account, int Sequence, int Amount);

/// <summary>Effects that show a loss or a repetition: a table without a unique index, and balances.</summary>
public static class Effects
{
    public const string CreateTables = """
        CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY, partition int, "offset" bigint, account text, sequence int);
        CREATE TABLE balance (account text PRIMARY KEY, amount bigint NOT NULL);
        """;

    /// <summary>Records with ten accounts to a partition, each account's sequence dense from 0.</summary>
    public static IEnumerable<(int Partition, string Key, byte[] Value)> Records(int partitions, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var (partition, turn) = (i % partitions, i / partitions);
            var account = $"{partition}-{turn % 10}";
            yield return (partition, account, JsonSerializer.SerializeToUtf8Bytes(new Deposit(account, turn / 10, 1 + (i % 7)), JsonSerializerOptions.Web));
        }
    }

    /// <summary>Nothing lost, nothing doubled, nothing out of order; the balances agree. Where a key was parked, the others overtake it in its partition.</summary>
    public static async Task ShouldBeExactAsync(TestDatabase database, int count, bool withBalances = true, bool inPartitions = true)
    {
        (await database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(count);
        (await database.ScalarAsync<long>("""SELECT count(*) FROM (SELECT DISTINCT partition, "offset" FROM effect) d""")).ShouldBe(count);
        if (inPartitions)
            (await database.ScalarAsync<long>("""
            SELECT count(*) FROM (SELECT "offset" - lag("offset") OVER (PARTITION BY partition ORDER BY id) AS step FROM effect) s WHERE step <= 0
            """)).ShouldBe(0, "order of partitions");
        (await database.ScalarAsync<long>("""
            SELECT count(*) FROM (SELECT sequence - lag(sequence) OVER (PARTITION BY account ORDER BY id) AS step FROM effect) s WHERE step <> 1
            """)).ShouldBe(0, "order of keys");
        if (!withBalances)
            return;
        var expected = Enumerable.Range(0, count).Sum(i => 1L + (i % 7));
        (await database.ScalarAsync<decimal>("SELECT coalesce(sum(amount), 0) FROM balance")).ShouldBe(expected);
    }
}

/// <summary>One record at a time, with staged writes and a message.</summary>
public sealed class DepositHandler : IHandler<Deposit>
{
    public static string? Output { get; set; }

    public ValueTask HandleAsync(Deposit message, RecordContext context, CancellationToken cancellationToken)
    {
        context.Stage(new NpgsqlBatchCommand("""INSERT INTO effect (partition, "offset", account, sequence) VALUES ($1, $2, $3, $4)""")
        {
            Parameters =
            {
                new NpgsqlParameter<int> { TypedValue = context.Record.Partition.Value },
                new NpgsqlParameter<long> { TypedValue = context.Record.Offset.Value },
                new NpgsqlParameter<string> { TypedValue = message.Account },
                new NpgsqlParameter<int> { TypedValue = message.Sequence },
            },
        });
        context.Stage(new NpgsqlBatchCommand("INSERT INTO balance VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET amount = balance.amount + excluded.amount")
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = message.Account }, new NpgsqlParameter<long> { TypedValue = message.Amount } },
        });
        if (Output is not null)
            context.Publish(Output, message.Account, $"{message.Account}:{message.Sequence}");
        return ValueTask.CompletedTask;
    }
}

/// <summary>All records at once, written at once, with a message for each.</summary>
public sealed class DepositBatchHandler : IBatchHandler<Deposit>
{
    public static string? Output { get; set; }

    /// <summary>Whether balances grow, for which rows are locked that a successor needs too.</summary>
    public static bool LocksBalances { get; set; } = true;

    public async ValueTask HandleAsync(IReadOnlyList<Received<Deposit>> records, BatchContext context, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(LocksBalances ? InsertAndAdd : Insert, context.Connection, context.Transaction)
        {
            Parameters =
            {
                new NpgsqlParameter<int[]> { TypedValue = [.. records.Select(r => r.Position.Partition.Value)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. records.Select(r => r.Position.Offset.Value)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. records.Select(r => r.Message.Account)] },
                new NpgsqlParameter<int[]> { TypedValue = [.. records.Select(r => r.Message.Sequence)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. records.Select(r => (long)r.Message.Amount)] },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
        if (Output is null)
            return;
        foreach (var record in records)
            context.Publish(record, Output, record.Message.Account, $"{record.Message.Account}:{record.Message.Sequence}");
    }

    private const string Insert = """
        INSERT INTO effect (partition, "offset", account, sequence)
        SELECT partition, "offset", account, sequence
          FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS r (partition, "offset", account, sequence, amount, place) ORDER BY place
        """;

    private const string InsertAndAdd = """
        WITH r AS (SELECT * FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS r (partition, "offset", account, sequence, amount, place)),
        b AS (
            INSERT INTO balance SELECT account, sum(amount) FROM r GROUP BY account ORDER BY account
            ON CONFLICT (account) DO UPDATE SET amount = balance.amount + excluded.amount)
        INSERT INTO effect (partition, "offset", account, sequence) SELECT partition, "offset", account, sequence FROM r ORDER BY place
        """;
}
