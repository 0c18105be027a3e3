using Confluent.Kafka;
using Npgsql;

namespace Onceward.Bench.Contenders;

/// <summary>The inbox pattern: the message's id goes into a table with a primary key, and the effect follows only where it was not there before.</summary>
/// <remarks>A transaction for every message, as the libraries do it that have an inbox; positions are committed to Kafka in the background.</remarks>
internal sealed class InboxTransactions : IContender
{
    public string Name => "inbox";

    public string Description => "hand-written, inbox table, one transaction per record";

    public string Setup(int partitions) => "CREATE TABLE inbox (message_id text PRIMARY KEY, received_at timestamptz NOT NULL DEFAULT now())";

    public string Progress => "SELECT count(*) FROM inbox";

    public Task RunAsync(BenchTopic topic, string connectionString, CancellationToken stopping) => Task.Factory.StartNew(
        () => Run(topic, connectionString, stopping), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Run(BenchTopic topic, string connectionString, CancellationToken stopping)
    {
        using var connection = new NpgsqlConnection(connectionString);
        connection.Open();
        // What a redelivery would bring again is dropped by the inbox, so that the group's positions may lag.
        var config = new ConsumerConfig(topic.Consumer()) { GroupId = $"{topic.Name}.inbox-{Guid.NewGuid():N}", EnableAutoCommit = true };
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(config).Build();
        consumer.Assign(Enumerable.Range(0, topic.Partitions).Select(p => new TopicPartitionOffset(topic.Name, p, 0)));

        NpgsqlParameter<string> id = new();
        NpgsqlParameter<int> partition = new();
        NpgsqlParameter<long> offset = new(), amount = new();
        NpgsqlParameter<byte[]> payload = new() { TypedValue = [] };
        using var remember = new NpgsqlCommand("INSERT INTO inbox (message_id) VALUES ($1) ON CONFLICT DO NOTHING", connection) { Parameters = { id } };
        using var apply = new NpgsqlCommand(Event.InsertOne, connection) { Parameters = { partition, offset, amount, payload } };
        remember.Prepare();
        apply.Prepare();
        while (!stopping.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } record)
                continue;
            using var transaction = connection.BeginTransaction();
            (remember.Transaction, apply.Transaction) = (transaction, transaction);
            id.TypedValue = $"{record.Topic}/{record.Partition.Value}/{record.Offset.Value}";
            if (remember.ExecuteNonQuery() == 1)
            {
                partition.TypedValue = record.Partition.Value;
                offset.TypedValue = record.Offset.Value;
                amount.TypedValue = Event.Amount(record.Message.Value);
                payload.TypedValue = record.Message.Value;
                apply.ExecuteNonQuery();
            }
            transaction.Commit();
            consumer.StoreOffset(record);
        }
        consumer.Close();
    }
}
