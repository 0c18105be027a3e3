namespace Grpc.Core;

/// <summary>What a call ended with.</summary>
/// <param name="StatusCode">The code callers act on.</param>
/// <param name="Detail">A sentence for people; it travels to the client, so it never names internals.</param>
public readonly record struct Status(StatusCode StatusCode, string Detail)
{
    public static readonly Status DefaultSuccess = new(StatusCode.OK, "");
    public static readonly Status DefaultCancelled = new(StatusCode.Cancelled, "");

    public override string ToString() => $"{StatusCode}: {Detail}";
}
