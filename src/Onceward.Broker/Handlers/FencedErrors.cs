using Onceward.Broker.Protocol;

namespace Onceward.Broker.Handlers;

internal static class FencedErrors
{
    /// <summary>PRODUCER_FENCED came late: older versions know INVALID_PRODUCER_EPOCH in its place.</summary>
    public static ErrorCode ForVersion(this ErrorCode error, short version, short fencedFrom) =>
        error == ErrorCode.ProducerFenced && version < fencedFrom ? ErrorCode.InvalidProducerEpoch : error;
}
