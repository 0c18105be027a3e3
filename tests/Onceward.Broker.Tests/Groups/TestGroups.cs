using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onceward.Broker.Groups;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Storage;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Tests.Groups;

/// <summary>A coordinator over a log in memory, under a clock that stands still until it is moved. It can be thrown away and started again.</summary>
internal sealed class TestGroups : IAsyncDisposable
{
    public const string Id = "g";
    public const string Topic = "t";
    public const int Partitions = 4;
    public const int SessionMs = 10_000;
    public const int RebalanceMs = 20_000;
    public const long FirstCommit = 0;

    private readonly List<IAsyncDisposable> starts = [];
    private readonly GroupRules rules;
    private readonly BrokerOptions options;
    private int ids;

    public TestGroups(int initialDelayMs = 0, long memoryLimit = 1L << 30, bool timersFire = true)
    {
        options = new BrokerOptions { TimeProvider = timersFire ? Clock : new LateTimers(Clock), MemoryLimit = memoryLimit };
        rules = new GroupRules { InitialDelayMs = initialDelayMs, NewId = () => (++ids).ToString(CultureInfo.InvariantCulture) };
        Coordinator = Start([]);
    }

    public TestDisk Disk { get; } = new();

    public FakeTimeProvider Clock { get; } = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    public GroupCoordinator Coordinator { get; private set; }

    public DescribedGroup? Described => Coordinator.Describe(Id);

    public string State => Described?.State ?? "Dead";

    /// <summary>What the coordinator takes for the last that was saved of the group's members.</summary>
    public GroupRecord? Kept => Coordinator.All.FirstOrDefault(static group => group.Id == Id)?.Saved;

    /// <summary>As after a crash: nothing of the old coordinator's memory is left.</summary>
    /// <param name="random">Says how much of what is not safe goes, too; null: nothing.</param>
    public void Restart(Random? random = null)
    {
        Coordinator.Dispose();
        Coordinator = Start(Disk.Crash(random));
    }

    public void Pass(double seconds) => Clock.Advance(TimeSpan.FromSeconds(seconds));

    public Task<JoinGroupResponse> Join(
        string memberId = "", string? instance = null, short version = 3, string protocol = "range", string metadata = "", int sessionMs = SessionMs) =>
        Coordinator.JoinAsync(
            new(Id, sessionMs, RebalanceMs, memberId, instance, "consumer", [new(protocol, Encoding.UTF8.GetBytes(metadata))], null),
            new("client", "/127.0.0.1", version));

    public Task<SyncGroupResponse> Sync(string memberId, int generation, params (string Member, string Assignment)[] assignments) =>
        Sync(memberId, generation, null, assignments);

    public Task<SyncGroupResponse> Sync(string memberId, int generation, string? instance, (string Member, string Assignment)[] assignments) => Coordinator.SyncAsync(new(
        Id, generation, memberId, instance, null, null, [.. assignments.Select(static a => new SyncAssignment(a.Member, Encoding.UTF8.GetBytes(a.Assignment)))]));

    public ErrorCode Beat(string memberId, int generation, string? instance = null) => Coordinator.Heartbeat(new(Id, generation, memberId, instance));

    public ErrorCode Leave(string memberId) => Coordinator.Leave(new(Id, [new(memberId, null, null)])).Members[0].Error;

    public ErrorCode Commit(string memberId, int generation, long offset, string? instance = null) => CommitAsync(memberId, generation, offset, instance).Now();

    public async Task<ErrorCode> CommitAsync(string memberId, int generation, long offset, string? instance = null)
    {
        var commit = new OffsetsCommit(Id, generation, memberId, instance, [new(Topic, [new CommitPartition(0, offset, -1, null)])]);
        return (await Coordinator.Offsets.CommitAsync(commit, ErrorCode.IllegalGeneration).ConfigureAwait(false))[0].Partitions[0].Error;
    }

    public long Committed => Coordinator.Offsets.Fetch(new(Id, [new(Topic, [0])]), requireStable: false).Topics[0].Partitions[0].Offset;

    /// <summary>A member alone in its group, with an assignment.</summary>
    public (string Id, int Generation) Stable(string? instance = null)
    {
        var joined = Join(instance: instance).Now();
        joined.Error.ShouldBe(ErrorCode.None);
        Sync(joined.MemberId, joined.Generation, (joined.MemberId, "all")).Now().Error.ShouldBe(ErrorCode.None);
        return (joined.MemberId, joined.Generation);
    }

    public async ValueTask DisposeAsync()
    {
        Coordinator.Dispose();
        foreach (var start in starts)
            await start.DisposeAsync();
    }

    private GroupCoordinator Start(IReadOnlyList<byte[]> batches)
    {
        var logs = new LogManager(options, NullLoggerFactory.Instance);
        starts.Add(logs);
        var topics = new TopicRegistry(options, logs, new MetadataJournal(null));
        topics.Create(new NewTopic(Topic, Partitions, 1, new Dictionary<string, string>())).Error.ShouldBe(ErrorCode.None);
        var log = topics.GetOrCreateInternal(OffsetsTopic.Name, OffsetsTopic.Partitions).Partitions[OffsetsTopic.PartitionOf(Id, OffsetsTopic.Partitions)];
        foreach (var batch in batches)
            log.AppendInternalAsync(batch.ToArray(), CancellationToken.None).AsTask().Now().Error.ShouldBe(ErrorCode.None);
        var coordinator = new GroupCoordinator(options, topics, NullLoggerFactory.Instance, rules, rewriteAfter: long.MaxValue, Disk.Append);
        coordinator.Start();
        return coordinator;
    }

    /// <summary>The same time, but no timer ever comes: as on a machine that is too busy.</summary>
    private sealed class LateTimers(TimeProvider clock) : TimeProvider
    {
        public override long TimestampFrequency => clock.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

        public override long GetTimestamp() => clock.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }
}
