using System.Text;
using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>A member of a classic group on a connection of its own, for a join waits for the others.</summary>
internal sealed class Member : IAsyncDisposable
{
    private Member(string group, WireConnection connection) => (Group, Connection) = (group, connection);

    public string Group { get; }

    public WireConnection Connection { get; }

    public string Id { get; set; } = "";

    public int Generation { get; set; } = -1;

    public string? Instance { get; init; }

    public int SessionTimeoutMs { get; init; } = 30_000;

    public int RebalanceTimeoutMs { get; init; } = 30_000;

    /// <summary>Not "consumer": Kafka would read the metadata, and never answer a join whose metadata it cannot read.</summary>
    public string ProtocolType { get; init; } = "test";

    public (string Name, string Metadata)[] Protocols { get; set; } = [("range", "metadata")];

    public static async Task<Member> CreateAsync(string group, string? instance = null, int sessionTimeoutMs = 30_000, int rebalanceTimeoutMs = 30_000, string type = "test")
    {
        var connection = await WireConnection.OpenAsync();
        await Coordinator.ReadyAsync(connection, group, 0);
        return new Member(group, connection) { Instance = instance, SessionTimeoutMs = sessionTimeoutMs, RebalanceTimeoutMs = rebalanceTimeoutMs, ProtocolType = type };
    }

    public object JoinRequest => new
    {
        groupId = Group, sessionTimeoutMs = SessionTimeoutMs, rebalanceTimeoutMs = RebalanceTimeoutMs, memberId = Id, groupInstanceId = Instance, protocolType = ProtocolType,
        protocols = Protocols.Select(p => new { name = p.Name, metadata = Encoding.UTF8.GetBytes(p.Metadata) }).ToArray(),
    };

    public Task<Reply> JoinOnceAsync(int version = 5) => Connection.AskAsync(Api.JoinGroup, version, JoinRequest);

    /// <summary>Joins as clients do: an id is asked for first. The answer's id and generation become this member's.</summary>
    public async Task<Reply> JoinAsync(int version = 5)
    {
        var reply = await JoinOnceAsync(version);
        if (reply.Error == Code.MemberIdRequired)
        {
            Id = reply.Text("memberId")!;
            reply = await JoinOnceAsync(version);
        }
        Accept(reply);
        return reply;
    }

    public void Accept(Reply joined)
    {
        joined.Error.ShouldBe(Code.None);
        Id = joined.Text("memberId")!;
        Generation = (int)joined.Number("generationId");
    }

    public Task<Reply> SyncAsync(params (string Member, string Assignment)[] assignments) => SyncOnceAsync(3, assignments);

    public Task<Reply> SyncOnceAsync(int version, params (string Member, string Assignment)[] assignments) =>
        Connection.AskAsync(Api.SyncGroup, version, SyncRequest(assignments));

    public object SyncRequest(params (string Member, string Assignment)[] assignments) => new
    {
        groupId = Group, generationId = Generation, memberId = Id, groupInstanceId = Instance,
        assignments = assignments.Select(a => new { memberId = a.Member, assignment = Encoding.UTF8.GetBytes(a.Assignment) }).ToArray(),
    };

    public async Task<Code> HeartbeatAsync() =>
        (await Connection.AskAsync(Api.Heartbeat, 3, new { groupId = Group, generationId = Generation, memberId = Id, groupInstanceId = Instance })).Error;

    public async Task<Code> CommitAsync(string topic, long offset, int partition = 0, string metadata = "", int version = 7) =>
        (await Connection.AskAsync(Api.OffsetCommit, version, new
        {
            groupId = Group, generationId = Generation, memberId = Id, groupInstanceId = Instance,
            topics = new[] { new { name = topic, partitions = new[] { new { partitionIndex = partition, committedOffset = offset, committedMetadata = metadata } } } },
        })).Partition.Error;

    /// <summary>The committed offset of a partition, -1 if there is none.</summary>
    public async Task<Reply> CommittedAsync(string topic, int partition = 0, bool stable = false) =>
        (await Connection.AskAsync(Api.OffsetFetch, 7, new { groupId = Group, topics = new[] { new { name = topic, partitionIndexes = new[] { partition } } }, requireStable = stable })).Partition;

    public Task<Reply> LeaveAsync() =>
        Connection.AskAsync(Api.LeaveGroup, 3, new { groupId = Group, members = new[] { new { memberId = Id, groupInstanceId = Instance } } });

    public async Task<Reply> DescribeAsync() =>
        (await Connection.AskAsync(Api.DescribeGroups, 4, new { groups = new[] { Group } })).Only("groups");

    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}

internal static class Coordinator
{
    /// <summary>The first group or transaction of a broker waits for its internal topic.</summary>
    public static async Task ReadyAsync(WireConnection connection, string key, int type)
    {
        await Eventually.HoldsAsync($"a coordinator of {key}", async () => (await connection.AskAsync(Api.FindCoordinator, 2, new { key, keyType = type })).Error == Code.None);
        if (type == 0)
            await Eventually.HoldsAsync($"the coordinator of {key} is loaded", async () =>
                (await connection.AskAsync(Api.OffsetFetch, 5, new { groupId = key })).Error is not (Code.CoordinatorLoadInProgress or Code.NotCoordinator or Code.CoordinatorNotAvailable));
    }
}
