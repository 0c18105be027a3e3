using Grpc.Core;
using Insurance.Contracts;
using Insurance.Grpc.Client;

namespace Insurance.Load.Driving;

/// <summary>The gateway as the environment names it.</summary>
internal sealed class Gateway : IDisposable
{
    private const string AddressVariable = "INSURANCE_GATEWAY_ADDRESS";
    private const string TokenVariable = "INSURANCE_GATEWAY_TOKEN";
    private const string DefaultAddress = "http://127.0.0.1:5080";

    private static readonly TimeSpan s_probeTimeout = TimeSpan.FromSeconds(10);

    private readonly GrpcChannel _channel;
    private readonly PolicyGateway.PolicyGatewayClient _client;
    private readonly Metadata _headers;

    private Gateway(Uri address, Metadata headers)
    {
        Address = address;
        _headers = headers;
        _channel = GrpcChannel.ForAddress(address);
        _client = new PolicyGateway.PolicyGatewayClient(_channel);
    }

    public Uri Address { get; }

    public static Gateway FromEnvironment()
    {
        var text = Environment.GetEnvironmentVariable(AddressVariable) is { Length: > 0 } set ? set : DefaultAddress;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new ToolException($"{AddressVariable} is '{text}'; it must be http://host:port or https://host:port.");
        var token = Environment.GetEnvironmentVariable(TokenVariable);
        if (string.IsNullOrEmpty(token))
            throw new ToolException($"{TokenVariable} is not set: the gateway takes events only from callers that know its token.");
        if (token.AsSpan().ContainsAnyExceptInRange('!', '~'))
            throw new ToolException($"{TokenVariable} has characters that a header cannot carry.");
        return new Gateway(address, new Metadata { { "authorization", $"Bearer {token}" } });
    }

    public AsyncDuplexStreamingCall<PublishRequest, PublishAck> Open(CancellationToken cancellationToken) =>
        _client.PublishStream(_headers, cancellationToken: cancellationToken);

    /// <summary>Opens a stream and sends nothing: finds out before the run whether there is a gateway and whether it takes the token.</summary>
    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var call = _client.PublishStream(_headers, DateTime.UtcNow + s_probeTimeout, cancellationToken);
            // Reading goes on meanwhile: a gateway that refuses the call at once never takes its body, and only the answer says so.
            var ending = call.ResponseStream.MoveNext(cancellationToken);
            await Task.WhenAny(ending, call.RequestStream.CompleteAsync());
            // Nothing was sent, so nothing is acknowledged; only the end matters.
            await ending;
        }
        catch (RpcException exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Fatal(exception.Status) ?? new ToolException(
                $"The gateway at {Address} cannot be reached: {exception.Status.Detail.TrimEnd('.')}. Start it, or name another in {AddressVariable}.", exception);
        }
    }

    /// <summary>The end of the run, where sending again would change nothing.</summary>
    public ToolException? Fatal(Status status) => status.StatusCode switch
    {
        StatusCode.Unauthenticated or StatusCode.PermissionDenied => new ToolException($"The gateway at {Address} refuses the token in {TokenVariable}: {status.Detail}"),
        StatusCode.Unimplemented => new ToolException($"What answers at {Address} is not the gateway: {status.Detail}"),
        _ => null,
    };

    public void Dispose() => _channel.Dispose();
}
