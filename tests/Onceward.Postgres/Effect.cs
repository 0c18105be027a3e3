using Npgsql;

namespace Onceward.Postgres;

/// <summary>An effect that shows a loss or a repetition: a row in a table without a unique index.</summary>
internal static class Effect
{
    public const string CreateTable =
        """CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY, partition int, "offset" bigint, value text CHECK (value <> 'forbidden'));""";

    /// <summary>The effect as a staged write.</summary>
    public static void StageEffect(this RecordContext context, string value) => context.Stage(Insert(context.Record, value));

    /// <summary>The effect as a statement of its own, executed at once.</summary>
    public static async Task ExecuteEffectAsync(this RecordContext context, string value)
    {
        await using var batch = new NpgsqlBatch(context.Connection, context.Transaction) { BatchCommands = { Insert(context.Record, value) } };
        await batch.ExecuteNonQueryAsync();
    }

    public static NpgsqlBatchCommand Insert(Record record, string value) => new("""INSERT INTO effect (partition, "offset", value) VALUES ($1, $2, $3)""")
    {
        Parameters =
        {
            new NpgsqlParameter<int> { TypedValue = record.Partition.Value },
            new NpgsqlParameter<long> { TypedValue = record.Offset.Value },
            new NpgsqlParameter<string> { TypedValue = value },
        },
    };
}
