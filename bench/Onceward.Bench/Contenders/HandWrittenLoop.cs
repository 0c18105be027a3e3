using Confluent.Kafka;
using Npgsql;

namespace Onceward.Bench.Contenders;

/// <summary>The baseline: what someone who knows both client and driver writes by hand for this one job, and nothing else.</summary>
/// <remarks>
/// Each pipe is a consumer with its share of the partitions, assigned by hand, and a connection; it reads the next batch while the database
/// works on the last one. A batch is one transaction: one <c>INSERT</c> from arrays, one compare-and-swap of its offset rows, both prepared once
/// and sent together, then COMMIT. No group, no retries, no poison records: an error ends it.
/// </remarks>
internal sealed class HandWrittenLoop(int pipes, int batchSize) : IContender
{
    public string Name => pipes == 1 ? "loop" : $"loop-{pipes}";

    public string Description => $"hand-written exactly-once loop, {pipes} connection{(pipes == 1 ? "" : "s")}";

    public string Setup(int partitions) => LoopLedger.Setup(partitions);

    public string Progress => LoopLedger.Progress;

    public Task RunAsync(BenchTopic topic, string connectionString, CancellationToken stopping) =>
        Task.WhenAll(Enumerable.Range(0, pipes).Select(pipe => Task.Factory.StartNew(
            () => RunPipe(pipe, topic, connectionString, stopping), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

    private void RunPipe(int pipe, BenchTopic topic, string connectionString, CancellationToken stopping)
    {
        using var connection = new NpgsqlConnection(connectionString);
        connection.Open();
        var positions = LoopLedger.Positions(connection, topic.Partitions);
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(topic.Consumer()).Build();
        consumer.Assign(positions.Index().Where(p => p.Index % pipes == pipe).Select(p => new TopicPartitionOffset(topic.Name, p.Index, p.Item)));

        using LoopBatch one = new(connection, batchSize, positions), other = new(connection, batchSize, positions);
        var (filling, writing) = (one, Task.CompletedTask);
        while (!stopping.IsCancellationRequested)
        {
            Fill(filling, consumer);
            writing.GetAwaiter().GetResult();
            writing = filling.Count > 0 ? filling.WriteAsync() : Task.CompletedTask;
            filling = ReferenceEquals(filling, one) ? other : one;
        }
        writing.GetAwaiter().GetResult();
        consumer.Close();
    }

    private static void Fill(LoopBatch batch, IConsumer<Ignore, byte[]> consumer)
    {
        batch.Clear();
        // Waits for the first record; after it, only for what the client has fetched already.
        var wait = TimeSpan.FromMilliseconds(100);
        while (!batch.IsFull && consumer.Consume(wait) is { } record)
        {
            batch.Add(record.Partition.Value, record.Offset.Value, record.Message.Value);
            wait = TimeSpan.Zero;
        }
    }
}
