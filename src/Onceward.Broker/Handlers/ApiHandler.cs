using Onceward.Broker.Protocol;

namespace Onceward.Broker.Handlers;

/// <summary>Who asks, and in which words.</summary>
/// <param name="Api">The request and its version range.</param>
/// <param name="Version">The version of this request.</param>
/// <param name="ClientId">What the client calls itself; may be empty.</param>
/// <param name="ClientHost">The peer's address as groups show it, such as "/127.0.0.1".</param>
/// <param name="ConnectionId">Unique among the connections of this process; fetch sessions belong to it.</param>
internal sealed record RequestContext(SupportedApi Api, short Version, string ClientId, string ClientHost, long ConnectionId);

/// <summary>Answers one kind of request. One handler object serves all connections at once.</summary>
internal abstract class ApiHandler(ApiKey key)
{
    public ApiKey Key => key;

    /// <summary>Null: no answer at all (a produce that asked for none).</summary>
    /// <remarks>The frame is the request's until the answer has been written; what the answer refers to must live as long.</remarks>
    public abstract ValueTask<IResponse?> HandleAsync(RequestContext context, Memory<byte> body, CancellationToken cancellationToken);
}

/// <summary>A handler of one request type, which it gets decoded.</summary>
internal abstract class ApiHandler<TRequest>(ApiKey key) : ApiHandler(key)
    where TRequest : IRequest<TRequest>
{
    public sealed override ValueTask<IResponse?> HandleAsync(RequestContext context, Memory<byte> body, CancellationToken cancellationToken)
    {
        var reader = new WireReader(body, context.Version, context.Version >= context.Api.FlexibleFrom);
        return HandleAsync(context, TRequest.Read(ref reader), cancellationToken);
    }

    protected abstract ValueTask<IResponse?> HandleAsync(RequestContext context, TRequest request, CancellationToken cancellationToken);
}
