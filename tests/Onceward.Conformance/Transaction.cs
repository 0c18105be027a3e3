using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>A transactional producer by raw requests, in the versions before KIP-890: each step is asked for.</summary>
internal sealed class Transaction : IAsyncDisposable
{
    private Transaction(string id, WireConnection connection) => (Id, Connection) = (id, connection);

    public string Id { get; }

    public WireConnection Connection { get; }

    public long ProducerId { get; set; }

    public int Epoch { get; set; }

    public static async Task<Transaction> CreateAsync(string? id = null, int timeoutMs = 60_000)
    {
        var transaction = new Transaction(id ?? Backend.Name("transaction"), await WireConnection.OpenAsync());
        await Coordinator.ReadyAsync(transaction.Connection, transaction.Id, 1);
        var reply = await transaction.InitAsync(timeoutMs);
        reply.Error.ShouldBe(Code.None);
        return transaction;
    }

    /// <summary>Asks for an epoch, again while a former transaction is being ended.</summary>
    public async Task<Reply> InitAsync(int timeoutMs = 60_000)
    {
        var reply = await Eventually.AnswerAsync(() => InitOnceAsync(timeoutMs), r => IsPassing(r.Error));
        if (reply.Error == Code.None)
            (ProducerId, Epoch) = (reply.Number("producerId"), (int)reply.Number("producerEpoch"));
        return reply;
    }

    public Task<Reply> InitOnceAsync(int timeoutMs = 60_000, long producerId = -1, int epoch = -1, int version = 3) =>
        Connection.AskAsync(Api.InitProducerId, version, new { transactionalId = Id, transactionTimeoutMs = timeoutMs, producerId, producerEpoch = epoch });

    public Task<Reply> AddOnceAsync(params (string Topic, int[] Partitions)[] topics) => Connection.AskAsync(Api.AddPartitionsToTxn, 1, new
    {
        transactionalId = Id, producerId = ProducerId, producerEpoch = Epoch,
        topics = topics.Select(t => new { name = t.Topic, partitions = t.Partitions }).ToArray(),
    });

    public async Task<Code> AddAsync(Topic topic, int partition = 0) =>
        (await Eventually.AnswerAsync(() => AddOnceAsync((topic.Name, [partition])), r => IsPassing(r.Partition.Error))).Partition.Error;

    public Batch Batch(int sequence, params string[] values) =>
        new() { Values = values, Attributes = Wire.Batch.Transactional, ProducerId = ProducerId, ProducerEpoch = (short)Epoch, BaseSequence = sequence };

    public Task<Reply> ProduceAsync(Topic topic, int sequence, params string[] values) => topic.ProduceAsync(Batch(sequence, values), transactionalId: Id);

    /// <summary>Adds the partition and writes to it; both must be accepted.</summary>
    public async Task<long> WriteAsync(Topic topic, int sequence, params string[] values)
    {
        (await AddAsync(topic)).ShouldBe(Code.None);
        var reply = await ProduceAsync(topic, sequence, values);
        reply.Error.ShouldBe(Code.None);
        return reply.Number("baseOffset");
    }

    public async Task<Code> EndOnceAsync(bool commit) =>
        (await Connection.AskAsync(Api.EndTxn, 1, new { transactionalId = Id, producerId = ProducerId, producerEpoch = Epoch, committed = commit })).Error;

    public Task<Code> EndAsync(bool commit) => Eventually.AnswerAsync(() => EndOnceAsync(commit), IsPassing);

    /// <summary>Ends it and waits until readers of committed data see its marker, the last thing in the topic.</summary>
    public async Task EndAsync(bool commit, Topic topic)
    {
        var end = await topic.EndAsync();
        (await EndAsync(commit)).ShouldBe(Code.None);
        await Eventually.HoldsAsync("the last stable offset passes the marker", async () => (await topic.ListOffsetsAsync(-1, committed: true)).Number("offset") > end);
    }

    public async Task<Code> AddOffsetsAsync(string group) => await Eventually.AnswerAsync(
        async () => (await Connection.AskAsync(Api.AddOffsetsToTxn, 1, new { transactionalId = Id, producerId = ProducerId, producerEpoch = Epoch, groupId = group })).Error, IsPassing);

    public async Task<Code> CommitOffsetAsync(string group, string topic, long offset, int version = 2, string member = "", int generation = -1) => await Eventually.AnswerAsync(
        async () => (await Connection.AskAsync(Api.TxnOffsetCommit, version, new
        {
            transactionalId = Id, groupId = group, producerId = ProducerId, producerEpoch = Epoch, memberId = member, generationId = generation,
            topics = new[] { new { name = topic, partitions = new[] { new { partitionIndex = 0, committedOffset = offset } } } },
        })).Partition.Error, IsPassing);

    /// <summary>Errors that go by themselves: the coordinator is not there yet, or still writes the markers of the transaction before.</summary>
    private static bool IsPassing(Code code) =>
        code is Code.CoordinatorLoadInProgress or Code.NotCoordinator or Code.CoordinatorNotAvailable or Code.ConcurrentTransactions;

    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
