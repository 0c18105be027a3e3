using Confluent.Kafka;
using Npgsql;

namespace Onceward.Bench.Contenders;

/// <summary>The common practice: a transaction for every record, its row and the offset in one round trip, then COMMIT.</summary>
internal sealed class RecordTransactions : IContender
{
    public string Name => "record-tx";

    public string Description => "hand-written, one transaction per record";

    public string Setup(int partitions) => LoopLedger.Setup(partitions);

    public string Progress => LoopLedger.Progress;

    public Task RunAsync(BenchTopic topic, string connectionString, CancellationToken stopping) => Task.Factory.StartNew(
        () => Run(topic, connectionString, stopping), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Run(BenchTopic topic, string connectionString, CancellationToken stopping)
    {
        using var connection = new NpgsqlConnection(connectionString);
        connection.Open();
        var positions = LoopLedger.Positions(connection, topic.Partitions);
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(topic.Consumer()).Build();
        consumer.Assign(positions.Index().Select(p => new TopicPartitionOffset(topic.Name, p.Index, p.Item)));

        NpgsqlParameter<int> partition = new(), moving = new();
        NpgsqlParameter<long> offset = new(), amount = new(), expected = new(), until = new();
        NpgsqlParameter<byte[]> payload = new() { TypedValue = [] };
        using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(Event.InsertOne) { Parameters = { partition, offset, amount, payload } },
                new NpgsqlBatchCommand(LoopLedger.SwapOne) { Parameters = { moving, expected, until } },
            },
        };
        batch.Prepare();
        while (!stopping.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } record)
                continue;
            using var transaction = connection.BeginTransaction();
            batch.Transaction = transaction;
            partition.TypedValue = moving.TypedValue = record.Partition.Value;
            offset.TypedValue = record.Offset.Value;
            amount.TypedValue = Event.Amount(record.Message.Value);
            payload.TypedValue = record.Message.Value;
            expected.TypedValue = positions[record.Partition.Value];
            until.TypedValue = positions[record.Partition.Value] = record.Offset.Value + 1;
            batch.ExecuteNonQuery();
            if (batch.BatchCommands[1].RecordsAffected != 1)
                throw new InvalidOperationException("Someone else moved the offset row.");
            transaction.Commit();
        }
        consumer.Close();
    }
}
