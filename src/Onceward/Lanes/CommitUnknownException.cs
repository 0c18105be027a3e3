namespace Onceward.Lanes;

/// <summary>COMMIT was sent and the answer did not come: the server may have executed it, may still, or never will.</summary>
internal sealed class CommitUnknownException(Exception cause)
    : OncewardException(ErrorCodes.Transient, "The outcome of COMMIT is unknown; the ledger's rows decide.", cause, isTransient: true);
