using Microsoft.EntityFrameworkCore;

namespace Onceward.EntityFrameworkCore;

/// <summary>Applies records to the entities of a <typeparamref name="TContext"/>.</summary>
/// <typeparam name="TMessage">The decoded value of a record.</typeparam>
/// <typeparam name="TContext">Registered by <c>AddDbContext</c>, and not pooled.</typeparam>
/// <remarks>
/// <para><b>Guarantee:</b> that of <see cref="IHandler{TMessage}"/>: what the handler changes is committed together with the record's offset, or
/// not at all. The context works on the connection and in the transaction of the batch.</para>
/// <para><b>Attempts:</b> each has a context of its own: no change tracker ever believes that rows are saved which were rolled back.</para>
/// <para><b>Saving:</b> the handler does not save. Changes of many records are saved together, behind the last of them, so that they travel in few
/// statements. Between two records what was added is found by <c>FindAsync</c> and in <c>Local</c>, and not yet by a query.</para>
/// </remarks>
public interface IEntityHandler<TMessage, TContext>
    where TContext : DbContext
{
    /// <summary>Applies <paramref name="message"/>. Throwing rolls its effects back; see <see cref="RetryOptions"/> for what follows.</summary>
    /// <param name="message">The decoded value.</param>
    /// <param name="entities">The same for all records of an attempt. Do not save, commit, or dispose it.</param>
    /// <param name="context">The record's place and key, and the outbox.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    ValueTask HandleAsync(TMessage message, TContext entities, RecordContext context, CancellationToken cancellationToken);
}
