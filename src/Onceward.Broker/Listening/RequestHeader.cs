using Onceward.Broker.Protocol;

namespace Onceward.Broker.Listening;

/// <summary>What every request begins with.</summary>
/// <param name="Api">Which request; its range where the version is outside of it.</param>
/// <param name="Version">The version of the body.</param>
/// <param name="CorrelationId">Comes back with the answer.</param>
/// <param name="ClientId">What the client calls itself.</param>
/// <param name="Body">What follows; empty where the version is not supported, since its header may have another shape.</param>
internal readonly record struct RequestHeader(SupportedApi Api, short Version, int CorrelationId, string ClientId, Memory<byte> Body)
{
    public bool IsSupported => Version >= Api.Min && Version <= Api.Max;

    /// <exception cref="MalformedRequestException">There is no such request.</exception>
    public static RequestHeader Read(Memory<byte> frame)
    {
        var reader = new WireReader(frame, version: 1, flexible: false);
        var key = (ApiKey)reader.Int16();
        var version = reader.Int16();
        if (!SupportedApis.TryGet(key, out var api))
            throw new MalformedRequestException($"a request with the unknown key {(short)key}");
        var header = new RequestHeader(api, version, reader.Int32(), "", default);
        if (!header.IsSupported)
            return header;
        var client = reader.NullableString() ?? ""; // Never compact, not even in the flexible header.
        var rest = frame[reader.Position..];
        if (version < api.FlexibleFrom)
            return header with { ClientId = client, Body = rest };
        var tags = new WireReader(rest, version: 2, flexible: true);
        tags.Tags();
        return header with { ClientId = client, Body = rest[tags.Position..] };
    }
}
