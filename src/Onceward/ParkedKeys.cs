using Npgsql;
using Onceward.Operations;

namespace Onceward;

/// <summary>What a person may do about keys that wait: look, try again now, discard, edit.</summary>
/// <remarks>
/// <para><b>Order:</b> none of these can break the order of a key: it is tried again from its head, and what is discarded is left out for good.</para>
/// <para><b>Concurrency:</b> safe while workers run: each key is changed under the lock that batches and redrives hold too.</para>
/// <para><b>Crash:</b> one transaction for each key.</para>
/// </remarks>
public sealed class ParkedKeys(NpgsqlDataSource database)
{
    private readonly ParkedOperations _operations = new(database);

    /// <summary>The keys that match, the oldest first.</summary>
    public Task<IReadOnlyList<ParkedKeyInfo>> ListAsync(SetAsideFilter filter, CancellationToken cancellationToken = default) =>
        _operations.ListAsync(Valid(filter), cancellationToken);

    /// <summary>The records of the keys that match, in the order in which they will be applied.</summary>
    public Task<IReadOnlyList<ParkedRecordInfo>> RecordsAsync(SetAsideFilter filter, CancellationToken cancellationToken = default) =>
        _operations.RecordsAsync(Valid(filter), cancellationToken);

    /// <summary>Makes the keys that match due now, with all attempts before them, held ones too. A worker does the rest.</summary>
    public Task<IReadOnlyList<Outcome>> RetryAsync(SetAsideFilter filter, Intervention intervention, CancellationToken cancellationToken = default) =>
        _operations.ForEachKeyAsync(Valid(filter), intervention, ParkedOperations.RetryAsync, cancellationToken);

    /// <summary>
    /// Discards the head of each key that matches, or the record at <see cref="SetAsideFilter.Partition"/> and <see cref="SetAsideFilter.Offset"/>: it
    /// becomes a dead letter of state <c>discarded</c>, with its bytes, and is never applied. The key goes on with what stood behind.
    /// </summary>
    public Task<IReadOnlyList<Outcome>> DiscardAsync(SetAsideFilter filter, Intervention intervention, CancellationToken cancellationToken = default) =>
        _operations.ForEachKeyAsync(Valid(filter), intervention, ParkedOperations.DiscardAsync, cancellationToken);

    /// <summary>Replaces the value of the one parked record that the filter names. The value that came from Kafka is kept beside it.</summary>
    /// <exception cref="OncewardException">The filter does not name exactly one record.</exception>
    public Task<Outcome> EditAsync(SetAsideFilter filter, byte[] value, Intervention intervention, CancellationToken cancellationToken = default) =>
        _operations.EditAsync(Valid(filter), value, intervention, cancellationToken);

    private static SetAsideFilter Valid(SetAsideFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return filter.Id is null ? filter : throw new ArgumentException("Id is about dead letters; parked keys have none.", nameof(filter));
    }
}
