using Grpc.Core;
using Insurance.Contracts;

namespace Insurance.Load.Driving;

/// <summary>What an acknowledgement means for the one who sent the event.</summary>
internal enum Verdict
{
    Accepted,

    /// <summary>It may or may not be published: send it again under the same id.</summary>
    Retry,

    /// <summary>It was not published, and never will be.</summary>
    Refused,

    /// <summary>Nothing that this client sends will be taken.</summary>
    Fatal,
}

internal static class Verdicts
{
    public static Verdict Of(PublishAck ack) => ack.OutcomeCase switch
    {
        PublishAck.OutcomeOneofCase.Accepted => Verdict.Accepted,
        PublishAck.OutcomeOneofCase.Rejected => Of((StatusCode)ack.Rejected.Code),
        // An answer without an outcome proves nothing.
        _ => Verdict.Retry,
    };

    private static Verdict Of(StatusCode code) => code switch
    {
        StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.OutOfRange or StatusCode.NotFound or StatusCode.AlreadyExists => Verdict.Refused,
        StatusCode.Unauthenticated or StatusCode.PermissionDenied or StatusCode.Unimplemented => Verdict.Fatal,
        _ => Verdict.Retry,
    };
}
