namespace Grpc.Core;

/// <summary>What a client says about one call.</summary>
/// <param name="Headers">Metadata to send.</param>
/// <param name="Deadline">UTC; null for none.</param>
/// <param name="CancellationToken">Cancels the call on both sides.</param>
public readonly record struct CallOptions(
    Metadata? Headers = null, DateTime? Deadline = null, CancellationToken CancellationToken = default);
