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
    public const long FirstCommit = 1_000_000;

    private readonly MetadataJournal journal = new(null);
    private readonly LogManager logs;
    private readonly TopicRegistry topics;
    private readonly GroupRules rules;
    private readonly BrokerOptions options;
    private int ids;

    public TestGroups(int initialDelayMs = 0, long memoryLimit = 1L << 30)
    {
        options = new BrokerOptions { TimeProvider = Clock, MemoryLimit = memoryLimit };
        rules = new GroupRules { InitialDelayMs = initialDelayMs, NewId = () => (++ids).ToString(CultureInfo.InvariantCulture) };
        logs = new LogManager(options, NullLoggerFactory.Instance);
        topics = new TopicRegistry(options, logs, journal);
        topics.Create(new NewTopic(Topic, Partitions, 1, new Dictionary<string, string>())).Error.ShouldBe(ErrorCode.None);
        Coordinator = New();
    }

    public FakeTimeProvider Clock { get; } = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    public GroupCoordinator Coordinator { get; private set; }

    public DescribedGroup? Described => Coordinator.Describe(Id);

    public string State => Described?.State ?? "Dead";

    /// <summary>What the coordinator believes to be in the log of the group's members.</summary>
    public GroupRecord? Kept => Coordinator.All.FirstOrDefault(static group => group.Id == Id)?.Saved;

    /// <summary>What the log holds of the group's members.</summary>
    public GroupRecord? Saved
    {
        get
        {
            var replay = new GroupReplay(NullLogger.Instance);
            replay.Read(Coordinator.OffsetsLogOf(Id));
            return replay.Found.FirstOrDefault(static found => found.Key == Id).Value.Record;
        }
    }

    /// <summary>As after a crash: nothing of the old coordinator's memory is left.</summary>
    public void Restart()
    {
        Coordinator.Dispose();
        Coordinator = New();
        Coordinator.Start();
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

    public ErrorCode Commit(string memberId, int generation, long offset, string? instance = null)
    {
        var commit = new OffsetsCommit(Id, generation, memberId, instance, [new(Topic, [new CommitPartition(0, offset, -1, null)])]);
        return Coordinator.Offsets.CommitAsync(commit, ErrorCode.IllegalGeneration).AsTask().Now()[0].Partitions[0].Error;
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
        await logs.DisposeAsync();
        journal.Dispose();
    }

    private GroupCoordinator New() => new(options, topics, NullLoggerFactory.Instance, rules, rewriteAfter: long.MaxValue);
}
