namespace Onceward.Broker.Faults;

internal enum FaultKind
{
    /// <summary>Handled later, and with it what comes behind it on the connection.</summary>
    Delay,

    /// <summary>Not handled; the answer says an error.</summary>
    Fail,

    /// <summary>Handled; instead of the answer the connection is reset.</summary>
    DropReply,

    /// <summary>Not handled; the connection is reset.</summary>
    Cut,
}

/// <param name="Kind">What is done to a request.</param>
/// <param name="Time">For a delay.</param>
/// <param name="Error">For a failure.</param>
internal readonly record struct Fault(FaultKind Kind, TimeSpan Time = default, Protocol.ErrorCode Error = default);
