namespace Onceward;

/// <summary>The base of everything Onceward throws.</summary>
public class OncewardException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="errorCode">A stable code; see <see cref="ErrorCodes"/>.</param>
    /// <param name="message">The value, the bound, the consequence and the way out.</param>
    /// <param name="innerException">What caused it.</param>
    /// <param name="isTransient">Whether the same call may succeed later.</param>
    public OncewardException(string errorCode, string message, Exception? innerException = null, bool isTransient = false)
        : base(message, innerException)
    {
        ErrorCode = errorCode;
        IsTransient = isTransient;
    }

    /// <summary>A stable code; see <see cref="ErrorCodes"/>.</summary>
    public string ErrorCode { get; }

    /// <summary>
    /// Whether the same call may succeed later. A handler that throws with <see langword="true"/> is called again for ever, with backoff;
    /// its record never becomes a dead letter.
    /// </summary>
    public bool IsTransient { get; }
}

/// <summary>The stable codes of <see cref="OncewardException.ErrorCode"/>.</summary>
public static class ErrorCodes
{
    /// <summary>Settings are missing or contradict each other; the process must not start.</summary>
    public const string Configuration = "ONCE-CONFIG";

    /// <summary>A record's bytes cannot be decoded.</summary>
    public const string Undecodable = "ONCE-DECODE";

    /// <summary>A handler was not done with a record within its time limit.</summary>
    public const string HandlerTimeout = "ONCE-HANDLER-TIMEOUT";

    /// <summary>A handler was cancelled by something of its own.</summary>
    public const string HandlerCanceled = "ONCE-HANDLER-CANCELED";

    /// <summary>A handler came back with a reader or a COPY open, or a statement running.</summary>
    public const string HandlerLeak = "ONCE-HANDLER-LEAK";

    /// <summary>A handler ended the transaction that it was lent.</summary>
    public const string TransactionEnded = "ONCE-TRANSACTION-ENDED";

    /// <summary>What an operation names is not there, or not one thing.</summary>
    public const string Operation = "ONCE-OPERATION";

    /// <summary>A published message is too large for the broker or names an impossible topic.</summary>
    public const string Unpublishable = "ONCE-PUBLISH";

    /// <summary>A topic is missing, or is another than the one the ledger knows.</summary>
    public const string Topic = "ONCE-TOPIC";

    /// <summary>The ledger holds the worker's offsets of another cluster.</summary>
    public const string Cluster = "ONCE-CLUSTER";

    /// <summary>Another process has joined the group under this one's instance name.</summary>
    public const string Instance = "ONCE-INSTANCE";

    /// <summary>The ledger's schema is newer than this program, or was changed by hand.</summary>
    public const string Schema = "ONCE-SCHEMA";

    /// <summary>The outbox and what Kafka says was published do not fit together.</summary>
    public const string Diverged = "ONCE-DIVERGED";

    /// <summary>A handler says that its dependency is down for the moment.</summary>
    public const string Transient = "ONCE-TRANSIENT";
}
