using Onceward.Broker.Protocol;

namespace Onceward.Broker.Faults;

/// <summary>A fault that waits for its requests. Disposing of it lifts it; a request that it has met already is not let go.</summary>
public sealed class FaultRule : IDisposable
{
    private readonly BrokerFaults owner;
    private readonly Func<ApiKey, Fault?> faultOf;
    private readonly string? clientId;
    private readonly TaskCompletionSource hit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long hits;
    private long left;

    internal FaultRule(BrokerFaults owner, Func<ApiKey, Fault?> faultOf, int? times, string? clientId)
    {
        (this.owner, this.faultOf, this.clientId) = (owner, faultOf, clientId);
        left = times ?? long.MaxValue;
    }

    /// <summary>How many requests or new connections it has met.</summary>
    public long Hits => Interlocked.Read(ref hits);

    /// <summary>Done when the first request has been met: before anything is done to it.</summary>
    public Task Hit => hit.Task;

    /// <inheritdoc/>
    public void Dispose() => owner.Lift(this);

    /// <summary>Whether it meets connections that have just come, too.</summary>
    internal bool RefusesConnections { get; init; }

    internal Fault? Take(ApiKey key, string client)
    {
        if (clientId is not null && clientId != client || faultOf(key) is not { } fault || Interlocked.Decrement(ref left) < 0)
            return null;
        Count();
        return fault;
    }

    internal void Count()
    {
        Interlocked.Increment(ref hits);
        hit.TrySetResult();
    }
}
