namespace Onceward;

/// <summary>Applies one record at a time.</summary>
/// <typeparam name="TMessage">The decoded value of the record.</typeparam>
/// <remarks>
/// <para><b>Guarantee:</b> what the handler writes through <see cref="RecordContext.Connection"/>, stages and publishes is committed together
/// with the record's offset, or not at all. A call to the outside world is not covered: use <see cref="RecordContext.IdempotencyKey"/>.</para>
/// <para><b>Order:</b> partition order, and key order even where a key waits for its retry and other keys overtake it; never two records of one key
/// at once.</para>
/// <para><b>Attempts:</b> the handler may see a record again after a roll-back, each time as a fresh instance from a fresh service scope.</para>
/// </remarks>
public interface IHandler<TMessage>
{
    /// <summary>Applies <paramref name="message"/>. Throwing rolls its effects back; see <see cref="RetryOptions"/> for what follows.</summary>
    ValueTask HandleAsync(TMessage message, RecordContext context, CancellationToken cancellationToken);
}

/// <summary>Applies many records with a few set-based statements: the fast way.</summary>
/// <typeparam name="TMessage">The decoded value of a record.</typeparam>
/// <remarks>
/// Guarantee and attempts as <see cref="IHandler{TMessage}"/>. The list may span partitions; within one it is in partition order, less what waits behind a parked key. When a batch
/// fails the framework halves it until the record at fault stands alone, so a handler needs no error handling per record.
/// </remarks>
public interface IBatchHandler<TMessage>
{
    /// <summary>Applies <paramref name="records"/>, at least one and at most <see cref="LaneOptions.MaxRecords"/>.</summary>
    ValueTask HandleAsync(IReadOnlyList<Received<TMessage>> records, BatchContext context, CancellationToken cancellationToken);
}
