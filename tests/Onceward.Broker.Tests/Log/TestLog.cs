using System.Collections.Immutable;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Storage;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Tests.Log;

/// <summary>One partition with a clock that stands still, and short words to write and read it.</summary>
internal sealed class TestLog : IAsyncDisposable
{
    public const string Topic = "things";

    public static readonly Guid TopicId = new("7b0c1a52-0d4e-4c57-9b3e-5a3f6c2d1e00");

    private static readonly DateTimeOffset Start = new(2026, 7, 1, 12, 0, 0, TimeSpan.Zero);

    private TestLog(BrokerOptions options, FakeTimeProvider clock)
    {
        (Options, Clock) = (options, clock);
        Manager = new LogManager(options, NullLoggerFactory.Instance);
        Log = Manager.Open(Topic, 0, TopicId, () => Settings);
    }

    public BrokerOptions Options { get; }

    public FakeTimeProvider Clock { get; }

    public LogManager Manager { get; }

    public PartitionLog Log { get; }

    public TopicSettings Settings { get; set; } = TopicSettings.Default;

    public long Now => Clock.GetUtcNow().ToUnixTimeMilliseconds();

    public static TestLog InMemory(Action<BrokerOptions>? configure = null)
    {
        var clock = new FakeTimeProvider(Start);
        var options = new BrokerOptions { TimeProvider = clock };
        configure?.Invoke(options);
        return new TestLog(options, clock);
    }

    public static TestLog OnDisk(string directory, Action<BrokerOptions>? configure = null) => InMemory(options =>
    {
        options.DataDirectory = directory;
        configure?.Invoke(options);
    });

    public void Configure(params (string Name, string Value)[] overrides) =>
        Settings = TopicSettings.From(overrides.ToImmutableSortedDictionary(item => item.Name, item => item.Value, StringComparer.Ordinal));

    /// <summary>A batch of values without a producer, or of the next ones of a producer.</summary>
    public Memory<byte> Batch(int count = 1, long producer = -1, short epoch = 0, int sequence = 0, bool transactional = false, long? at = null, int valueSize = 0)
    {
        var builder = new RecordBatchBuilder(at ?? Now)
        {
            ProducerId = producer,
            ProducerEpoch = producer < 0 ? (short)-1 : epoch,
            BaseSequence = producer < 0 ? -1 : sequence,
            IsTransactional = transactional,
        };
        for (var i = 0; i < count; i++)
            builder.Add("key"u8, valueSize == 0 ? Encoding.ASCII.GetBytes($"value {i}") : new byte[valueSize]);
        return builder.Build();
    }

    public async Task<AppendResult> Append(Memory<byte> batch) => await Log.AppendAsync(batch, default);

    /// <summary>Appends and expects it to be taken; the base offset.</summary>
    public async Task<long> Write(int count = 1, long producer = -1, short epoch = 0, int sequence = 0, bool transactional = false, long? at = null, int valueSize = 0)
    {
        var result = await Append(Batch(count, producer, epoch, sequence, transactional, at, valueSize));
        result.Error.ShouldBe(ErrorCode.None, result.Message);
        return result.BaseOffset;
    }

    public async Task<ErrorCode> Refused(Memory<byte> batch)
    {
        var result = await Append(batch);
        result.Error.ShouldNotBe(ErrorCode.None);
        result.BaseOffset.ShouldBe(-1);
        result.Message.ShouldNotBeNullOrEmpty();
        return result.Error;
    }

    public async Task<long> End(long producer, bool commit, short epoch = 0, int coordinatorEpoch = 0)
    {
        var result = await Log.AppendMarkerAsync(producer, epoch, commit, coordinatorEpoch, default);
        result.Error.ShouldBe(ErrorCode.None, result.Message);
        return result.BaseOffset;
    }

    /// <summary>The batches that one read gives.</summary>
    public List<StoredBatch> Read(long offset, int maxBytes = int.MaxValue, bool committed = false, bool atLeastOne = true)
    {
        var read = Log.Read(offset, maxBytes, committed, atLeastOne);
        read.Error.ShouldBe(ErrorCode.None);
        return Batches(read.Records);
    }

    public static List<StoredBatch> Batches(LogSlice slice)
    {
        var bytes = new byte[slice.Length];
        slice.CopyTo(bytes).ShouldBe(bytes.Length);
        var batches = RecordReader.Batches(bytes).ToList();
        batches.Sum(batch => batch.Header.SizeInBytes).ShouldBe(bytes.Length, "a slice holds whole batches");
        return batches;
    }

    public ValueTask DisposeAsync() => Manager.DisposeAsync();
}
