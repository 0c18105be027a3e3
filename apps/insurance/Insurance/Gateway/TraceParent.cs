using System.Diagnostics;
using Grpc.Core;
using Insurance.Contracts;

namespace Insurance.Gateway;

/// <summary>The caller's trace, to be carried on by the record: https://www.w3.org/TR/trace-context/.</summary>
internal static class TraceParent
{
    /// <summary>Null where the call has none, or none that is valid.</summary>
    public static string? Of(ServerCallContext context) =>
        context.RequestHeaders.GetValue(Topology.RecordHeaders.TraceParent) is { } text &&
        ActivityContext.TryParse(text, traceState: null, out _)
            ? text
            : null;
}
