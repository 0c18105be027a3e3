using System.Collections.Immutable;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Faults;

/// <summary>Faults that a test orders: what a network, or another broker, would do to a client's requests. They stay over a restart.</summary>
/// <remarks>
/// A rule meets the next requests of its kind, as many as asked for, of all clients or of one; of several rules that would meet a request the oldest
/// does. Times follow <see cref="BrokerOptions.TimeProvider"/>. Thread-safe. Without a rule a request pays one read of a field.
/// </remarks>
public sealed class BrokerFaults
{
    private ImmutableArray<FaultRule> rules = [];

    internal BrokerFaults()
    {
    }

    /// <summary>Requests are handled <paramref name="time"/> late, and so is what comes behind them on their connections.</summary>
    /// <param name="request">Which.</param>
    /// <param name="time">How late.</param>
    /// <param name="times">How many requests; null: all, until the rule is lifted.</param>
    /// <param name="clientId">Whose; null: everybody's.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time below zero, or fewer than one request.</exception>
    public FaultRule Delay(ApiKey request, TimeSpan time, int? times = 1, string? clientId = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        return Add(request, new Fault(FaultKind.Delay, time), times, clientId);
    }

    /// <summary>Requests are not handled: each partition, group or other thing they name is answered with <paramref name="error"/>.</summary>
    /// <param name="request">Which.</param>
    /// <param name="error">Kafka's error.</param>
    /// <param name="times">How many requests; null: all, until the rule is lifted.</param>
    /// <param name="clientId">Whose; null: everybody's.</param>
    /// <exception cref="ArgumentException">The answer to such a request has no place for an error, or the error is none.</exception>
    public FaultRule Fail(ApiKey request, ErrorCode error, int? times = 1, string? clientId = null)
    {
        if (error == ErrorCode.None)
            throw new ArgumentException("None is no error.", nameof(error));
        if (!ErrorAnswers.Has(request))
            throw new ArgumentException($"Tests cannot have {request} fail: drop its reply or cut its connection.", nameof(request));
        return Add(request, new Fault(FaultKind.Fail, Error: error), times, clientId);
    }

    /// <summary>Requests are handled and what they ask for is done; instead of the answer the client gets a reset.</summary>
    /// <param name="request">Which.</param>
    /// <param name="times">How many requests; null: all, until the rule is lifted.</param>
    /// <param name="clientId">Whose; null: everybody's.</param>
    public FaultRule DropReply(ApiKey request, int? times = 1, string? clientId = null) => Add(request, new Fault(FaultKind.DropReply), times, clientId);

    /// <summary>Requests are not handled: the client gets a reset.</summary>
    /// <param name="request">Which.</param>
    /// <param name="times">How many requests; null: all, until the rule is lifted.</param>
    /// <param name="clientId">Whose; null: everybody's.</param>
    public FaultRule Cut(ApiKey request, int? times = 1, string? clientId = null) => Add(request, new Fault(FaultKind.Cut), times, clientId);

    /// <summary>New connections are reset, and those there are with their next request, as by a broker that is gone. Until lifted.</summary>
    public FaultRule RefuseConnections()
    {
        var rule = new FaultRule(this, _ => new Fault(FaultKind.Cut), times: null, clientId: null) { RefusesConnections = true };
        return Add(rule);
    }

    /// <summary>
    /// This node is no coordinator any more, and no other is known yet: requests of groups and transactions get NOT_COORDINATOR, who looks for one
    /// gets COORDINATOR_NOT_AVAILABLE. Lifted, it is the coordinator again, and has forgotten nothing.
    /// </summary>
    /// <remarks>Members that wait for a rebalance meanwhile are answered as their group goes on.</remarks>
    public FaultRule MoveCoordinator() => Add(CoordinatorAway, times: null, clientId: null);

    /// <summary>Lifts all rules.</summary>
    public void Clear() => ImmutableInterlocked.InterlockedExchange(ref rules, []);

    internal Fault? Take(ApiKey key, string clientId)
    {
        foreach (var rule in rules)
            if (rule.Take(key, clientId) is { } fault)
                return fault;
        return null;
    }

    /// <summary>Whether a connection that has just come is to be reset.</summary>
    internal bool Refuses()
    {
        foreach (var rule in rules)
            if (rule.RefusesConnections)
            {
                rule.Count();
                return true;
            }
        return false;
    }

    internal void Lift(FaultRule rule) => ImmutableInterlocked.Update(ref rules, static (all, rule) => all.Remove(rule), rule);

    private static Fault? CoordinatorAway(ApiKey key) => key switch
    {
        ApiKey.FindCoordinator => new Fault(FaultKind.Fail, Error: ErrorCode.CoordinatorNotAvailable),
        ApiKey.JoinGroup or ApiKey.SyncGroup or ApiKey.Heartbeat or ApiKey.LeaveGroup or ApiKey.OffsetCommit or ApiKey.OffsetFetch or ApiKey.OffsetDelete
            or ApiKey.TxnOffsetCommit or ApiKey.InitProducerId or ApiKey.AddPartitionsToTxn or ApiKey.AddOffsetsToTxn or ApiKey.EndTxn or ApiKey.DescribeGroups
            or ApiKey.DeleteGroups => new Fault(FaultKind.Fail, Error: ErrorCode.NotCoordinator),
        _ => null,
    };

    private FaultRule Add(ApiKey request, Fault fault, int? times, string? clientId) => Add(key => key == request ? fault : null, times, clientId);

    private FaultRule Add(Func<ApiKey, Fault?> faultOf, int? times, string? clientId)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times ?? 1, 1, nameof(times));
        return Add(new FaultRule(this, faultOf, times, clientId));
    }

    private FaultRule Add(FaultRule rule)
    {
        ImmutableInterlocked.Update(ref rules, static (all, rule) => all.Add(rule), rule);
        return rule;
    }
}
