using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onceward.Broker.Groups;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Storage;
using Onceward.Broker.Topics;
using Onceward.Broker.Transactions;

namespace Onceward.Broker.Tests.Transactions;

/// <summary>A coordinator over logs in memory, under a clock that stands still until it is moved. It can be thrown away and started again.</summary>
internal sealed class TestTransactions : IAsyncDisposable
{
    private readonly MetadataJournal journal = new(null);
    private readonly LogManager logs;
    private readonly ProducerIds producerIds;

    public TestTransactions()
    {
        Options = new BrokerOptions { TimeProvider = Clock };
        logs = new LogManager(Options, NullLoggerFactory.Instance);
        Topics = new TopicRegistry(Options, logs, journal);
        producerIds = new ProducerIds(journal);
        Coordinator = New();
    }

    public FakeTimeProvider Clock { get; } = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    public BrokerOptions Options { get; }

    public TopicRegistry Topics { get; }

    public TransactionCoordinator Coordinator { get; private set; }

    public PartitionLog StateLog => Topics.GetOrCreateInternal(TransactionLog.TopicName, 1).Partitions[0];

    public static async Task<TestTransactions> StartAsync()
    {
        var test = new TestTransactions();
        await test.Coordinator.StartAsync(CancellationToken.None);
        test.Topics.Create(new NewTopic("t", 3, 1, new Dictionary<string, string>())).Error.ShouldBe(ErrorCode.None);
        return test;
    }

    /// <summary>As after a crash: nothing of the old coordinator's memory is left.</summary>
    public async Task RestartAsync(TimeSpan down = default)
    {
        await Coordinator.DisposeAsync();
        Clock.Advance(down);
        Coordinator = New();
        await Coordinator.StartAsync(CancellationToken.None);
    }

    public PartitionLog Log(int partition) => Topics.TryGet("t", out var topic) ? topic.Partitions[partition] : throw new InvalidOperationException("no topic t");

    public async Task<ProducerIdentity> Init(string id = "id", int timeoutMs = 60_000, ProducerIdentity? current = null)
    {
        var (error, producer) = await Coordinator.InitializeAsync(id, timeoutMs, current, CancellationToken.None);
        error.ShouldBe(ErrorCode.None);
        return producer;
    }

    public async Task<ErrorCode> InitError(string id = "id", int timeoutMs = 60_000, ProducerIdentity? current = null) =>
        (await Coordinator.InitializeAsync(id, timeoutMs, current, CancellationToken.None)).Error;

    public async Task<ErrorCode> Add(ProducerIdentity producer, int partition, string id = "id") =>
        await Coordinator.AddAsync(id, producer, [new("t", partition)], CancellationToken.None);

    public async Task<ErrorCode> End(ProducerIdentity producer, bool commit, string id = "id") =>
        await Coordinator.EndAsync(id, producer, commit, CancellationToken.None);

    public async Task<ErrorCode> Write(ProducerIdentity producer, int partition, int sequence = 0)
    {
        var batch = new RecordBatchBuilder(Clock.GetUtcNow().ToUnixTimeMilliseconds())
        {
            ProducerId = producer.Id,
            ProducerEpoch = producer.Epoch,
            BaseSequence = sequence,
            IsTransactional = true,
        };
        return (await Log(partition).AppendAsync(batch.Add("k"u8, "v"u8).Build(), CancellationToken.None)).Error;
    }

    /// <summary>The markers in a partition, in their order.</summary>
    public IReadOnlyList<(long ProducerId, short Epoch, bool Commits)> Markers(int partition) =>
    [
        .. RecordReader.Batches(Log(partition))
            .Where(batch => batch.Header.IsControl)
            .Select(batch => (batch.Header.ProducerId, batch.Header.ProducerEpoch, batch.Commits!.Value)),
    ];

    /// <summary>What was stored of the id, in its order.</summary>
    public IReadOnlyList<TransactionStatus> History() =>
    [
        .. RecordReader.Batches(StateLog)
            .SelectMany(batch => RecordReader.TryRead(batch, out var records) ? records : throw new InvalidDataException())
            .Where(record => record.Value is not null)
            .Select(record => TransactionRecords.ReadValue("", record.Value!.Value).Status),
    ];

    public async ValueTask DisposeAsync()
    {
        await Coordinator.DisposeAsync();
        await logs.DisposeAsync();
        journal.Dispose();
    }

    private TransactionCoordinator New() => new(Options, Topics, new GroupCoordinator(Options, Topics, NullLoggerFactory.Instance), producerIds, NullLoggerFactory.Instance);
}
