
namespace Onceward.Handling;

/// <summary>A record whose attempts are spent, or that can never succeed.</summary>
internal sealed record DeadLetter(Subscription Subscription, Record Record, int Attempts, Exception Error)
{
    /// <summary>A short, stable word for grouping: an error code of ours, a SQLSTATE, or the type of what the handler threw.</summary>
    public string Reason => Error switch
    {
        OncewardException e => e.ErrorCode,
        Npgsql.PostgresException e => $"SQLSTATE {e.SqlState}",
        _ => Error.GetType().Name,
    };
}
