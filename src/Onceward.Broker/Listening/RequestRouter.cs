using System.Buffers.Binary;
using System.Collections.Frozen;
using Onceward.Broker.Faults;
using Onceward.Broker.Handlers;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Listening;

/// <summary>Brings a request to its handler and frames the answer.</summary>
/// <remarks>
/// As Kafka does it: an unknown request, or a version outside the range, ends the connection. Only ApiVersions is answered in any version, in
/// words of version 0, so that a newer client learns what to say; and its answer's header never has tagged fields (KIP-511).
/// </remarks>
internal sealed class RequestRouter(BrokerNode node, BrokerFaults faults)
{
    private const int LengthBytes = 4;

    private readonly FrozenDictionary<ApiKey, ApiHandler> handlers = HandlerTable.Create(node).ToFrozenDictionary(handler => handler.Key);

    /// <summary>The framed answer, which the caller disposes of; null: none is sent.</summary>
    /// <exception cref="ConnectionCutException">A fault was ordered.</exception>
    public async ValueTask<WireWriter?> AnswerAsync(RequestHeader header, Peer peer, CancellationToken cancellationToken)
    {
        if (!header.IsSupported)
            return AnswerUnsupported(header);
        if (!handlers.TryGetValue(header.Api.Key, out var handler))
            throw new MalformedRequestException($"{header.Api.Key} is not there");
        var context = new RequestContext(header.Api, header.Version, header.ClientId, peer.Host, peer.ConnectionId);
        var response = faults.Take(header.Api.Key, header.ClientId) is { } fault
            ? await HandleAsync(fault, handler, context, header.Body, cancellationToken).ConfigureAwait(false)
            : await handler.HandleAsync(context, header.Body, cancellationToken).ConfigureAwait(false);
        return response is null ? null : Frame(header, response, header.Version);
    }

    private async ValueTask<IResponse?> HandleAsync(Fault fault, ApiHandler handler, RequestContext context, Memory<byte> body, CancellationToken cancellationToken)
    {
        switch (fault.Kind)
        {
            case FaultKind.Fail:
                return ErrorAnswers.Create(node, context, body, fault.Error);
            case FaultKind.Delay:
                await Task.Delay(fault.Time, node.Options.TimeProvider, cancellationToken).ConfigureAwait(false);
                return await handler.HandleAsync(context, body, cancellationToken).ConfigureAwait(false);
            case FaultKind.DropReply:
                await handler.HandleAsync(context, body, cancellationToken).ConfigureAwait(false);
                throw new ConnectionCutException();
            default:
                throw new ConnectionCutException();
        }
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
