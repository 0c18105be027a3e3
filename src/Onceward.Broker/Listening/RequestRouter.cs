using System.Buffers.Binary;
using System.Collections.Frozen;
using Onceward.Broker.Handlers;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Listening;

/// <summary>Brings a request to its handler and frames the answer.</summary>
/// <remarks>
/// As Kafka does it: an unknown request, or a version outside the range, ends the connection. Only ApiVersions is answered in any version, in
/// words of version 0, so that a newer client learns what to say; and its answer's header never has tagged fields (KIP-511).
/// </remarks>
internal sealed class RequestRouter(IEnumerable<ApiHandler> handlers)
{
    private const int LengthBytes = 4;

    private readonly FrozenDictionary<ApiKey, ApiHandler> handlers = handlers.ToFrozenDictionary(handler => handler.Key);

    /// <summary>The framed answer, which the caller disposes of; null: none is sent.</summary>
    public async ValueTask<WireWriter?> AnswerAsync(RequestHeader header, Peer peer, CancellationToken cancellationToken)
    {
        if (!header.IsSupported)
            return AnswerUnsupported(header);
        if (!handlers.TryGetValue(header.Api.Key, out var handler))
            throw new MalformedRequestException($"{header.Api.Key} is not there");
        var context = new RequestContext(header.Api, header.Version, header.ClientId, peer.Host, peer.ConnectionId);
        var response = await handler.HandleAsync(context, header.Body, cancellationToken).ConfigureAwait(false);
        return response is null ? null : Frame(header, response, header.Version);
    }

    private static WireWriter AnswerUnsupported(RequestHeader header) => header.Api.Key == ApiKey.ApiVersions
        ? Frame(header, new ApiVersionsResponse(ErrorCode.UnsupportedVersion), version: 0)
        : throw new MalformedRequestException($"{header.Api.Key} of version {header.Version}; {header.Api.Min} to {header.Api.Max} are supported");

    private static WireWriter Frame(RequestHeader header, IResponse response, short version)
    {
        var writer = new WireWriter(version, version >= header.Api.FlexibleFrom, response.SizeHint);
        try
        {
            writer.Int32(0); // the length, known at the end
            writer.Int32(header.CorrelationId);
            if (header.Api.Key != ApiKey.ApiVersions)
                writer.Tags();
            response.Write(writer);
            BinaryPrimitives.WriteInt32BigEndian(writer.Written.Span, writer.Length - LengthBytes);
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }
}
