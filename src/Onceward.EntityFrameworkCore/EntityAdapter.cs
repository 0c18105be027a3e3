using Microsoft.EntityFrameworkCore;

namespace Onceward.EntityFrameworkCore;

/// <summary>Lends the batch's connection and transaction to a context, calls the handler for each record, and saves once.</summary>
/// <remarks>
/// Made anew for each attempt with the context and the handler, by the service scope of the attempt. The framework isolates a record that fails
/// with savepoints of its own; those that Entity Framework would set around each save are turned off.
/// </remarks>
internal sealed class EntityAdapter<TMessage, TContext, THandler>(TContext entities, THandler handler) : IBatchHandler<TMessage>
    where TContext : DbContext
    where THandler : class, IEntityHandler<TMessage, TContext>
{
    public async ValueTask HandleAsync(IReadOnlyList<Received<TMessage>> records, BatchContext context, CancellationToken cancellationToken)
    {
        // Not the record's fault, so it must not be parked for it: the batch waits until the program is corrected.
        if (entities.Database.CreateExecutionStrategy().RetriesOnFailure)
            throw new OncewardException(
                ErrorCodes.Configuration, $"{typeof(TContext).Name} retries by itself (EnableRetryOnFailure), which it cannot inside a transaction that is not its own; Onceward redoes the whole batch instead. Register it without. Nothing is applied until then.", isTransient: true);
        entities.Database.SetDbConnection(context.Connection, contextOwnsConnection: false);
        await entities.Database.UseTransactionAsync(context.Transaction, cancellationToken).ConfigureAwait(false);
        entities.Database.AutoSavepointsEnabled = false;
        foreach (var record in records)
            await handler.HandleAsync(record.Message, entities, context.For(record), cancellationToken).ConfigureAwait(false);
        await entities.SaveChangesAsync(cancellationToken).ConfigureAwait(false);
    }
}
