using Microsoft.Extensions.Options;
using Npgsql;
using Onceward.Hosting;
using Onceward.Operations;

namespace Onceward;

/// <summary>What a person may do about where a worker stands: let a stopped partition go on, set it back or forward, begin anew on another topic.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> whoever works on a partition is fenced by the transaction that moves it: what was under way is rolled back, and the worker
/// goes on from the new offset by itself. Going back applies records again, going forward passes over some: both are said before, and noted after.</para>
/// <para><b>Order:</b> parked records at or behind the new offset leave the ledger, because the log will bring them again.</para>
/// <para><b>Concurrency:</b> safe while workers run. <b>Crash:</b> one transaction for everything, with its incident.</para>
/// </remarks>
public sealed class WorkerOffsets : IDisposable
{
    private readonly Cluster _cluster;
    private readonly OffsetOperations _operations;

    /// <param name="database">The database with the ledger.</param>
    /// <param name="options">Where the brokers are: an offset that the log does not have is refused.</param>
    public WorkerOffsets(NpgsqlDataSource database, IOptions<OncewardOptions> options)
        : this(database, new Cluster(options))
    {
    }

    internal WorkerOffsets(NpgsqlDataSource database, Cluster cluster)
    {
        _cluster = cluster;
        _operations = new OffsetOperations(database, cluster);
    }

    /// <summary>Sets a worker's offsets of a topic.</summary>
    /// <returns>What is moved, or in a dry run would be: a line for each partition.</returns>
    /// <exception cref="OncewardException">
    /// The worker does not read the topic; the log does not have the offset; the topic, or the cluster, is another one and that was not asked for.
    /// Nothing was changed.
    /// </exception>
    public Task<IReadOnlyList<MovedOffset>> ResetAsync(OffsetReset reset, Intervention intervention, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reset);
        ArgumentNullException.ThrowIfNull(intervention);
        return _operations.ResetAsync(reset, intervention, cancellationToken);
    }

    /// <summary>Sets a worker's offsets to those that a consumer group has committed. Partitions without a commit stay where they are.</summary>
    /// <exception cref="OncewardException">The group has members, or no commit; or as for a reset. Nothing was changed.</exception>
    public Task<IReadOnlyList<MovedOffset>> AdoptAsync(
        string worker, string topic, string group, Intervention intervention, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(group);
        ArgumentNullException.ThrowIfNull(intervention);
        return _operations.AdoptAsync(worker, topic, group, intervention, cancellationToken);
    }

    /// <summary>Closes the connections to the brokers.</summary>
    public void Dispose() => _cluster.Dispose();
}

/// <summary>What is to be set, and where to.</summary>
public sealed record OffsetReset
{
    /// <summary>The worker.</summary>
    public required string Worker { get; init; }

    /// <summary>The input topic.</summary>
    public required string Topic { get; init; }

    /// <summary>Which partitions; <see langword="null"/>: all that the worker has an offset of.</summary>
    public IReadOnlyCollection<int>? Partitions { get; init; }

    /// <summary>Where to.</summary>
    public required ResetTarget To { get; init; }

    /// <summary>Whether the topic may be another incarnation than the one that the ledger knows. The old one is given up, and all partitions begin anew.</summary>
    public bool NewTopic { get; init; }

    /// <summary>The same for the cluster.</summary>
    public bool NewCluster { get; init; }

    /// <summary>
    /// Whether the event ids that the worker remembers of this topic are forgotten. Else records that are read again under the same id, and are
    /// deduplicated, are passed over as repetitions.
    /// </summary>
    public bool ForgetEvents { get; init; }

    /// <summary>Why: written into the incident.</summary>
    public string? Reason { get; init; }
}

/// <summary>A place in each partition.</summary>
public abstract record ResetTarget
{
    private ResetTarget()
    {
    }

    /// <summary>The first record that the log has.</summary>
    public static ResetTarget Earliest { get; } = new Bound(true);

    /// <summary>Behind the last record that is committed now.</summary>
    public static ResetTarget Latest { get; } = new Bound(false);

    /// <summary>Where it stands: a partition that was stopped goes on.</summary>
    public static ResetTarget Current { get; } = new Standing();

    /// <summary>This offset.</summary>
    public static ResetTarget At(long offset) => new Exact(offset);

    /// <summary>The first record with this timestamp or a later one; behind the last where there is none.</summary>
    public static ResetTarget At(DateTimeOffset time) => new Since(time);

    internal sealed record Bound(bool IsFirst) : ResetTarget
    {
        public override string ToString() => IsFirst ? "earliest" : "latest";
    }

    internal sealed record Standing : ResetTarget
    {
        public override string ToString() => "current";
    }

    internal sealed record Exact(long Offset) : ResetTarget
    {
        public override string ToString() => $"{Offset}";
    }

    internal sealed record Since(DateTimeOffset Time) : ResetTarget
    {
        public override string ToString() => $"{Time:O}";
    }
}

/// <summary>A partition that was moved, or would be.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Topic">The input topic.</param>
/// <param name="Partition">The partition.</param>
/// <param name="From">Where it stood; <see langword="null"/>: nowhere, on this incarnation of the topic.</param>
/// <param name="To">What is applied next from now on.</param>
/// <param name="State">How it was before: <c>running</c>, <c>stopped</c> or <c>new</c>.</param>
/// <param name="Unparked">How many parked records leave the ledger, because the log brings them again.</param>
/// <param name="Letters">How many open dead letters are closed for the same reason.</param>
public sealed record MovedOffset(string Worker, string Topic, int Partition, long? From, long To, string State, int Unparked, int Letters)
{
    /// <summary>Offsets whose records are applied again.</summary>
    public long Again => Math.Max((From ?? To) - To, 0);

    /// <summary>Offsets whose records are never applied.</summary>
    public long Skipped => Math.Max(To - (From ?? To), 0);
}
