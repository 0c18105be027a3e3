using Npgsql;

namespace Onceward.Handling;

/// <summary>Whose fault an exception is.</summary>
internal static class Failure
{
    /// <summary>
    /// Whether a record is at fault: what a handler throws, the SQLSTATE classes 22 (data) and 23 (integrity), and 25P02, which says that a
    /// handler swallowed an earlier error. Everything else the database says is infrastructure, known or not, and is tried again for ever.
    /// </summary>
    public static bool IsOfRecord(Exception exception) => exception switch
    {
        OncewardException { IsTransient: true } => false,
        ConnectionSpoiledException or TransactionEndedException => false,
        PostgresException { SqlState: PostgresErrorCodes.InFailedSqlTransaction } => true,
        PostgresException e => e.SqlState.StartsWith("22", StringComparison.Ordinal) || e.SqlState.StartsWith("23", StringComparison.Ordinal),
        // The connection, a time-out of a command, the pool: never the record.
        NpgsqlException => false,
        OperationCanceledException => false,
        _ => DatabaseErrorIn(exception) is not { } said || IsOfRecord(said),
    };

    /// <summary>Whether a lock that another transaction holds was waited for in vain.</summary>
    public static bool IsLockWait(Exception exception) =>
        (exception as NpgsqlException ?? DatabaseErrorIn(exception)) is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable };

    /// <summary>EF Core and others wrap what the database said, some of them twice.</summary>
    private static NpgsqlException? DatabaseErrorIn(Exception exception)
    {
        for (var inner = exception.InnerException; inner is not null; inner = inner.InnerException)
            if (inner is NpgsqlException said)
                return said;
        return null;
    }

    /// <summary>A short, stable word for grouping: an error code of ours, a SQLSTATE, or the type of what the handler threw.</summary>
    public static string ReasonOf(Exception exception) => exception switch
    {
        OncewardException e => e.ErrorCode,
        PostgresException e => $"SQLSTATE {e.SqlState}",
        _ when DatabaseErrorIn(exception) is PostgresException e => $"SQLSTATE {e.SqlState}",
        _ => exception.GetType().Name,
    };

    /// <summary>Whether no further attempt can help.</summary>
    public static bool IsFinal(Exception exception) => exception is UndecodableRecordException or OncewardException { ErrorCode: ErrorCodes.Unpublishable };

    /// <summary>
    /// Whether the server said, in answer to COMMIT, that it rolled back: a deferred constraint, a serialization failure, a deadlock. Anything
    /// else leaves the outcome unknown.
    /// </summary>
    public static bool MeansRolledBack(PostgresException exception) =>
        exception.SqlState[..2] is "22" or "23" or "40" || exception.SqlState is PostgresErrorCodes.InFailedSqlTransaction;
}
