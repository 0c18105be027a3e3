using System.Text;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Conformance.Wire;
using WireWriter = Onceward.Conformance.Wire.WireWriter;

namespace Onceward.Broker.Tests.Protocol;

/// <summary>Requests as clients send them, in every version, about a few topics, groups and producers that may be there.</summary>
internal sealed class ValidRequests(Random random)
{
    private static readonly string[] Words = ["a", "b", "c", "g", "t", "", "range", "consumer"];
    private static readonly long[] Numbers = [0, 0, 0, 1, 1, 2, 3, 5, -1, 6_000, 10_000, short.MaxValue, int.MaxValue, long.MaxValue, int.MinValue];

    private readonly List<(Schema Schema, short Version)> all =
    [
        .. from schema in Schema.Every
           let api = SupportedApis.All.Single(api => (short)api.Key == schema.Key)
           from version in Enumerable.Range(Math.Max(schema.First, api.Min), Math.Min(schema.Last, api.Max) - Math.Max(schema.First, api.Min) + 1)
           select (schema, (short)version),
    ];

    /// <summary>All that are made.</summary>
    public IReadOnlyList<(Schema Schema, short Version)> All => all;

    /// <summary>A frame without its length.</summary>
    public byte[] Next(out ApiKey key)
    {
        var (schema, version) = all[random.Next(all.Count)];
        key = (ApiKey)schema.Key;
        return Write(schema, version);
    }

    /// <summary>A frame without its length, of one kind.</summary>
    public byte[] Write(Schema schema, short version)
    {
        var header = new WireWriter(flexible: false).Int16(schema.Key).Int16(version).Int32(random.Next()).Int16(4).Raw("fuzz"u8);
        if (schema.Flexible(version))
            header.Varint(0);
        var body = new WireWriter(schema.Flexible(version));
        Fields(body, schema.Request, version, schema.Flexible(version));
        return [.. header.ToArray(), .. body.ToArray()];
    }

    private void Fields(WireWriter to, List<Field> fields, short version, bool flexible)
    {
        foreach (var field in fields.Where(field => field.In(version) && field.Tag is null))
        {
            if (field.IsArray)
                Elements(to, field, version, flexible);
            else
                Value(to, field, flexible);
        }
        if (flexible)
            to.Varint(0);
    }

    private void Elements(WireWriter to, Field field, short version, bool flexible)
    {
        var count = field.Nullable && random.Next(8) == 0 ? -1 : random.Next(4);
        Length(to, count, flexible, isString: false);
        for (var i = 0; i < count; i++)
        {
            if (field.Type.Length == 0)
                Fields(to, field.Members, version, flexible);
            else
                Value(to, field, flexible);
        }
    }

    private void Value(WireWriter to, Field field, bool flexible)
    {
        switch (field.Type)
        {
            case "string":
                var text = field.Nullable && random.Next(4) == 0 ? null : Encoding.UTF8.GetBytes(Word(field.Name));
                Length(to, text?.Length ?? -1, flexible, isString: true);
                to.Raw(text);
                break;
            case "bytes":
                var bytes = field.Name == "records" ? Records() : [0, 0, 0, 0, 0, 1, 0, 1, (byte)'a', 0, 0, 0, 0];
                Length(to, bytes.Length, flexible, isString: false);
                to.Raw(bytes);
                break;
            case "uuid":
                to.Raw(new byte[16]);
                break;
            default:
                Number(to, field);
                break;
        }
    }

    private void Number(WireWriter to, Field field)
    {
        // What clients send by default for the most part: so many requests get far.
        var value = field.Name == "numPartitions" ? random.Next(100) == 0 ? 10_000 : random.Next(-1, 4) // The most that a topic may have, and not for every one.
            : field.Default is { } usual && random.Next(3) > 0 ? Convert.ToInt64(usual) : Numbers[random.Next(Numbers.Length)];
        _ = field.Type switch
        {
            "bool" => to.Int8(random.Next(2)),
            "int8" => to.Int8(random.Next(-1, 4)),
            "int16" => to.Int16(value),
            "int32" => to.Int32(value),
            _ => to.Int64(value),
        };
    }

    private string Word(string field) => field switch
    {
        "name" or "topic" or "topicName" or "topics" => Words[random.Next(4)],
        "protocolType" => "consumer",
        _ => Words[random.Next(Words.Length)],
    };

    private byte[] Records()
    {
        var producer = random.Next(-1, 3);
        var builder = new RecordBatchBuilder(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds())
        {
            ProducerId = producer, ProducerEpoch = (short)(producer < 0 ? -1 : 0), BaseSequence = producer < 0 ? -1 : random.Next(3), IsTransactional = producer >= 0 && random.Next(2) == 0,
        };
        for (var left = random.Next(1, 4); left > 0; left--)
            builder.Add("key"u8, new byte[random.Next(50)]);
        return builder.Build().ToArray();
    }

    private static void Length(WireWriter to, int length, bool flexible, bool isString) =>
        _ = flexible ? to.Varint((uint)(length + 1)) : isString ? to.Int16(length) : to.Int32(length);
}
