using Npgsql;

namespace Onceward.Bench.Contenders;

/// <summary>All records of a batch by one statement, sent with the offsets.</summary>
internal sealed class SetBasedHandler : IBatchHandler<long>
{
    public ValueTask HandleAsync(IReadOnlyList<Received<long>> records, BatchContext context, CancellationToken cancellationToken)
    {
        var partitions = new int[records.Count];
        var offsets = new long[records.Count];
        var amounts = new long[records.Count];
        var payloads = new byte[records.Count][];
        for (var i = 0; i < records.Count; i++)
        {
            var (amount, source) = records[i];
            partitions[i] = source.Partition.Value;
            offsets[i] = source.Offset.Value;
            amounts[i] = amount;
            payloads[i] = source.Message.Value;
        }
        context.Stage(new NpgsqlBatchCommand(Event.InsertMany)
        {
            Parameters =
            {
                new NpgsqlParameter<int[]> { TypedValue = partitions },
                new NpgsqlParameter<long[]> { TypedValue = offsets },
                new NpgsqlParameter<long[]> { TypedValue = amounts },
                new NpgsqlParameter<byte[][]> { TypedValue = payloads, NpgsqlDbType = Event.ByteaArray },
            },
        });
        return ValueTask.CompletedTask;
    }
}

/// <summary>As <see cref="SetBasedHandler"/>, but the payloads stay behind.</summary>
internal sealed class LeanHandler : IBatchHandler<long>
{
    public ValueTask HandleAsync(IReadOnlyList<Received<long>> records, BatchContext context, CancellationToken cancellationToken)
    {
        context.Stage(new NpgsqlBatchCommand("""INSERT INTO effect (partition, "offset", amount, payload) SELECT *, '' FROM unnest($1, $2, $3)""")
        {
            Parameters =
            {
                new NpgsqlParameter<int[]> { TypedValue = [.. records.Select(r => r.Source.Partition.Value)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. records.Select(r => r.Source.Offset.Value)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. records.Select(r => r.Message)] },
            },
        });
        return ValueTask.CompletedTask;
    }
}

/// <summary>One staged statement a record.</summary>
internal sealed class PerRecordHandler : IHandler<long>
{
    public ValueTask HandleAsync(long message, RecordContext context, CancellationToken cancellationToken)
    {
        context.Stage(new NpgsqlBatchCommand(Event.InsertOne)
        {
            Parameters =
            {
                new NpgsqlParameter<int> { TypedValue = context.Record.Partition.Value },
                new NpgsqlParameter<long> { TypedValue = context.Record.Offset.Value },
                new NpgsqlParameter<long> { TypedValue = message },
                new NpgsqlParameter<byte[]> { TypedValue = context.Record.Message.Value },
            },
        });
        return ValueTask.CompletedTask;
    }
}
