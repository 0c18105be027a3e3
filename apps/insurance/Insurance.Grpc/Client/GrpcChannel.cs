using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Client;

/// <summary>Calls to one server, over as many HTTP/2 connections as its streams need. Thread-safe; keep one per address.</summary>
/// <remarks>Nothing is retried: a call that failed has failed, and its status says whether a repetition is of use.</remarks>
public sealed class GrpcChannel : IDisposable
{
    private readonly Uri _address;
    private readonly GrpcChannelOptions _options;
    private readonly HttpMessageInvoker _http;

    private GrpcChannel(Uri address, GrpcChannelOptions options)
    {
        _address = address;
        _options = options;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = TimeSpan.FromSeconds(60),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(30),
            ConnectTimeout = TimeSpan.FromSeconds(20),
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
        });
    }

    /// <summary>A channel to <c>http://host:port</c> (HTTP/2 without TLS) or <c>https://…</c>; it connects on first use.</summary>
    public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions? options = null) =>
        new(address, options ?? new GrpcChannelOptions());

    /// <inheritdoc cref="ForAddress(Uri, GrpcChannelOptions?)"/>
    public static GrpcChannel ForAddress(string address, GrpcChannelOptions? options = null) => ForAddress(new Uri(address), options);

    public AsyncUnaryCall<TResponse> UnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, CallOptions options, TRequest request)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        var call = Start(method, options, new SingleMessageContent(request, _options.Gzip));
        return new AsyncUnaryCall<TResponse>(call.ReadSingleAsync(), call.HeadersAsync, () => call.Trailers, call.Dispose);
    }

    public AsyncServerStreamingCall<TResponse> ServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, CallOptions options, TRequest request)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        var call = Start(method, options, new SingleMessageContent(request, _options.Gzip));
        return new AsyncServerStreamingCall<TResponse>(call, call.HeadersAsync, () => call.Trailers, call.Dispose);
    }

    public AsyncDuplexStreamingCall<TRequest, TResponse> DuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, CallOptions options)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        var content = new StreamedContent();
        var call = Start(method, options, content);
        var writer = new ClientStreamWriter<TRequest>(content, call.Translate, _options.Gzip);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(writer, call, call.HeadersAsync, () => call.Trailers, call.Dispose);
    }

    public void Dispose() => _http.Dispose();

    private ClientCall<TResponse> Start<TRequest, TResponse>(Method<TRequest, TResponse> method, CallOptions options, HttpContent content)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        var now = _options.TimeProvider.GetUtcNow().UtcDateTime;
        TimeSpan? timeout = options.Deadline is { } deadline && deadline < DateTime.MaxValue ? deadline.ToUniversalTime() - now : null;
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_address, method.FullName))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        content.Headers.TryAddWithoutValidation("content-type", GrpcProtocol.ContentType);
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation(GrpcProtocol.AcceptEncodingHeader, GrpcProtocol.SupportedEncodings);
        if (_options.Gzip)
            request.Headers.TryAddWithoutValidation(GrpcProtocol.EncodingHeader, GrpcProtocol.Gzip);
        if (timeout is not null)
            request.Headers.TryAddWithoutValidation(GrpcProtocol.TimeoutHeader, GrpcTimeout.Format(timeout.Value));
        foreach (var entry in options.Headers ?? [])
            request.Headers.TryAddWithoutValidation(entry.Key, MetadataCodec.Encode(entry));
        return new ClientCall<TResponse>(_http, request, method.ResponseMarshaller, _options, timeout, options.CancellationToken);
    }
}
