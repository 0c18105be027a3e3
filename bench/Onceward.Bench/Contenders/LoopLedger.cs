using Npgsql;

namespace Onceward.Bench.Contenders;

/// <summary>The offset rows of the hand-written contenders: positions, moved by compare-and-swap.</summary>
internal static class LoopLedger
{
    public static string Setup(int partitions) => $"""
        CREATE TABLE loop_offset (partition int PRIMARY KEY, next_offset bigint NOT NULL) WITH (fillfactor = 30);
        INSERT INTO loop_offset SELECT p, 0 FROM generate_series(0, {partitions - 1}) AS p;
        """;

    public const string Progress = "SELECT coalesce(sum(next_offset), 0)::bigint FROM loop_offset";

    public const string EachPosition = "SELECT partition, next_offset FROM loop_offset";

    /// <summary>Partitions, positions before, positions after. As many rows must move as were given.</summary>
    public const string SwapMany = """
        UPDATE loop_offset o SET next_offset = b.until
          FROM unnest($1, $2, $3) AS b (partition, expected, until)
         WHERE o.partition = b.partition AND o.next_offset = b.expected
        """;

    public const string SwapOne = "UPDATE loop_offset SET next_offset = $3 WHERE partition = $1 AND next_offset = $2";

    public static long[] Positions(NpgsqlConnection connection, int partitions)
    {
        using var command = new NpgsqlCommand("SELECT next_offset FROM loop_offset WHERE partition < $1 ORDER BY partition", connection)
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = partitions } },
        };
        using var reader = command.ExecuteReader();
        var positions = new long[partitions];
        for (var i = 0; reader.Read(); i++)
            positions[i] = reader.GetInt64(0);
        return positions;
    }
}
