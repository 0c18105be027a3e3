using System.Buffers;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>ApiVersions, versions 0 to 4: the table of requests. From version 3 a client must name itself in plain letters.</summary>
internal sealed class ApiVersionsHandler() : ApiHandler<ApiVersionsRequest>(ApiKey.ApiVersions)
{
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, ApiVersionsRequest request, CancellationToken cancellationToken)
    {
        var named = context.Version < 3 || (IsName(request.SoftwareName) && IsName(request.SoftwareVersion));
        return new(new ApiVersionsResponse(named ? ErrorCode.None : ErrorCode.InvalidRequest));
    }

    private static bool IsName(string text) =>
        text.Length > 0 && !text.AsSpan().ContainsAnyExcept(Allowed) && char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1]);
}
