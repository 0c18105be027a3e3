using System.Buffers.Binary;
using NpgsqlTypes;

namespace Onceward.Bench;

/// <summary>The values on the topic and the table that they end in.</summary>
/// <remarks>
/// The effect is not idempotent: the table has no unique index, so a record applied twice is a row too many and shows in the check.
/// Without an index the database does least, and so what a contender adds of its own weighs most.
/// </remarks>
internal static class Event
{
    /// <summary>Number and amount come first in a value; the rest is filling.</summary>
    public const int HeaderBytes = 16;

    public const string CreateTable = """CREATE TABLE effect (partition int NOT NULL, "offset" bigint NOT NULL, amount bigint NOT NULL, payload bytea NOT NULL)""";

    /// <summary>Many rows by one statement: partitions, offsets, amounts, payloads.</summary>
    public const string InsertMany = """INSERT INTO effect (partition, "offset", amount, payload) SELECT * FROM unnest($1, $2, $3, $4)""";

    /// <summary>One row: partition, offset, amount, payload.</summary>
    public const string InsertOne = """INSERT INTO effect (partition, "offset", amount, payload) VALUES ($1, $2, $3, $4)""";

    public const NpgsqlDbType ByteaArray = NpgsqlDbType.Array | NpgsqlDbType.Bytea;

    public static byte[] Encode(long number, int bytes)
    {
        var value = new byte[bytes];
        BinaryPrimitives.WriteInt64BigEndian(value, number);
        BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(8), AmountOf(number));
        // Different in every record and different along a record, so that nothing on the way compresses it to nothing.
        for (var i = HeaderBytes; i < bytes; i++)
            value[i] = (byte)((number * 31) + (i * 7));
        return value;
    }

    public static long Amount(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadInt64BigEndian(value[8..]);

    /// <summary>What the amounts of the first <paramref name="count"/> values add up to.</summary>
    public static long AmountOfAll(int count)
    {
        var sum = 0L;
        for (var i = 0; i < count; i++)
            sum += AmountOf(i);
        return sum;
    }

    private static long AmountOf(long number) => 1 + (number % 9973);
}
