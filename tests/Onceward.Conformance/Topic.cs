using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>A topic of a test's own, written and read by raw requests.</summary>
internal sealed class Topic : IAsyncDisposable
{
    /// <summary>Versions with every field that matters and before the flexible ones: the layouts of others are <see cref="ApiVersionsTests"/>' business.</summary>
    private const int ProduceVersion = 8;
    private const int FetchVersion = 11;

    private Topic(string name, WireConnection connection) => (Name, Connection) = (name, connection);

    public string Name { get; }

    public WireConnection Connection { get; }

    public static async Task<Topic> CreateAsync(int partitions = 1, params (string Name, string Value)[] configs)
    {
        var topic = new Topic(Backend.Name("topic"), await WireConnection.OpenAsync());
        var reply = await topic.Connection.AskAsync(Api.CreateTopics, 4, new
        {
            topics = new[] { new { name = topic.Name, numPartitions = partitions, configs = configs.Select(c => new { name = c.Name, value = c.Value }).ToArray() } },
        });
        reply.Only("topics").Error.ShouldBe(Code.None);
        await topic.HasLeadersAsync(partitions);
        return topic;
    }

    /// <summary>A leader is known before it knows itself that it leads, so it is asked too.</summary>
    public Task HasLeadersAsync(int partitions) => Eventually.HoldsAsync($"{partitions} partition(s) of {Name} have a leader", async () =>
    {
        if ((await MetadataAsync(Name)).List("partitions").Count != partitions)
            return false;
        var reply = await Connection.AskAsync(Api.ListOffsets, 5, new
        {
            topics = new[] { new { name = Name, partitions = Enumerable.Range(0, partitions).Select(p => new { partitionIndex = p, timestamp = -1 }).ToArray() } },
        });
        return reply.Only("topics").List("partitions").TrueForAll(p => p.Error == Code.None);
    });

    public async Task<Reply> MetadataAsync(string name, int version = 7) =>
        (await Connection.AskAsync(Api.Metadata, version, new { topics = new[] { new { name } } })).Only("topics");

    public async Task<Guid> IdAsync() => (await MetadataAsync(Name, 12)).Id("topicId");

    /// <summary>The answer for the one partition.</summary>
    public async Task<Reply> ProduceAsync(byte[]? records, int partition = 0, int acks = -1, string? transactionalId = null, int version = ProduceVersion) =>
        (await Connection.AskAsync(Api.Produce, version, ProduceRequest(records, partition, acks, transactionalId))).Partition;

    public object ProduceRequest(byte[]? records, int partition = 0, int acks = -1, string? transactionalId = null) => new
    {
        transactionalId,
        acks,
        topics = new[] { new { name = Name, partitions = new[] { new { index = partition, records } } } },
    };

    /// <summary>Writes values as one batch; it must be accepted.</summary>
    public async Task<long> WriteAsync(params string?[] values)
    {
        var reply = await ProduceAsync(new Batch { Values = values });
        reply.Error.ShouldBe(Code.None);
        return reply.Number("baseOffset");
    }

    public async Task<Reply> FetchAsync(
        long offset, int partition = 0, int maxWaitMs = 0, int minBytes = 1, int maxBytes = 1 << 20, int partitionMaxBytes = 1 << 20, bool committed = false, int leaderEpoch = -1) =>
        (await Connection.AskAsync(Api.Fetch, FetchVersion, FetchRequest(offset, partition, maxWaitMs, minBytes, maxBytes, partitionMaxBytes, committed, leaderEpoch))).Partition;

    public object FetchRequest(
        long offset, int partition = 0, int maxWaitMs = 0, int minBytes = 1, int maxBytes = 1 << 20, int partitionMaxBytes = 1 << 20, bool committed = false, int leaderEpoch = -1) => new
        {
            maxWaitMs,
            minBytes,
            maxBytes,
            isolationLevel = committed ? 1 : 0,
            topics = new[]
            {
                new { topic = Name, partitions = new[] { new { partition, fetchOffset = offset, partitionMaxBytes, currentLeaderEpoch = leaderEpoch } } },
            },
        };

    /// <summary>The batches that one fetch brings.</summary>
    public async Task<List<Fetched>> ReadAsync(long offset, bool committed = false, int partition = 0)
    {
        var reply = await FetchAsync(offset, partition, committed: committed);
        reply.Error.ShouldBe(Code.None);
        return Batch.Read(reply.Bytes("records"));
    }

    public async Task<Reply> ListOffsetsAsync(long timestamp, int version = 7, bool committed = false, int partition = 0, int leaderEpoch = -1) =>
        (await Connection.AskAsync(Api.ListOffsets, version, new
        {
            isolationLevel = committed ? 1 : 0,
            topics = new[] { new { name = Name, partitions = new[] { new { partitionIndex = partition, timestamp, currentLeaderEpoch = leaderEpoch } } } },
        })).Partition;

    public async Task<long> EndAsync() => (await ListOffsetsAsync(-1)).Number("offset");

    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
