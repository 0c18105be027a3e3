using Google.Protobuf;
using Grpc.Core;
using Insurance.Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Insurance.Grpc.Server;

/// <summary>One call on one HTTP/2 stream, from its headers to its status.</summary>
/// <remarks>
/// Not thread-safe, but that one read and one write may run at the same time. A message is taken off the wire when the handler
/// asks for it, so a slow handler fills the peer's flow-control window and stops it there.
/// </remarks>
internal sealed class ServerCall : ServerCallContext, IDisposable
{
    // The longest that a timer takes; what waits longer than these 49 days need not be woken.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly HttpContext _http;
    private readonly CallHead _head;
    private readonly MessageReader _reader;
    private readonly CancellationTokenSource? _deadline;
    private readonly CancellationTokenSource _ended;
    private bool _responded;
    private int _writing;

    public ServerCall(HttpContext http, CallHead head, GrpcServerOptions options, TimeProvider time)
    {
        _http = http;
        _head = head;
        _reader = new MessageReader(http.Request.BodyReader, options.MaxReceiveMessageSize, head.RequestGzip);
        if (head.Timeout <= LongestTimer)
            _deadline = new CancellationTokenSource(head.Timeout.Value, time);
        _ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _deadline?.Token ?? default);
        var now = time.GetUtcNow().UtcDateTime;
        Deadline = head.Timeout is { } timeout && timeout < DateTime.MaxValue - now ? now + timeout : DateTime.MaxValue;
    }

    public override string Method => _http.Request.Path.Value ?? "";

    public override string Host => _http.Request.Host.Value ?? "";

    public override string Peer => $"{_http.Connection.RemoteIpAddress}:{_http.Connection.RemotePort}";

    public override DateTime Deadline { get; }

    public override Metadata RequestHeaders => _head.Metadata;

    public override CancellationToken CancellationToken => _ended.Token;

    public override Metadata ResponseTrailers { get; } = [];

    public bool DeadlinePassed => _deadline is { IsCancellationRequested: true };

    public bool ClientGone => _http.RequestAborted.IsCancellationRequested;

    public override async Task WriteResponseHeadersAsync(Metadata responseHeaders)
    {
        if (_responded)
            throw new InvalidOperationException("The response headers of this call are sent already.");
        foreach (var entry in responseHeaders)
            Append(_http.Response.Headers, entry);
        BeginResponse();
        await _http.Response.StartAsync(CancellationToken);
    }

    /// <summary>The next message of the client; null once it has closed its side.</summary>
    public async ValueTask<T?> ReadAsync<T>(Marshaller<T> marshaller, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        try
        {
            return await _reader.ReadAsync(marshaller, cancellationToken);
        }
        catch (IOException cause)
        {
            // The stream was reset or the connection is lost; there is nobody to tell, but the handler must not go on.
            throw new RpcException(Status.DefaultCancelled, cause);
        }
    }

    /// <summary>The one message of a method whose client sends exactly one.</summary>
    public async ValueTask<T> ReadSingleAsync<T>(Marshaller<T> marshaller)
        where T : class, IMessage<T>
    {
        var message = await ReadAsync(marshaller, CancellationToken)
            ?? throw new RpcException(new Status(StatusCode.Unimplemented, "This method takes one message; there is none."));
        if (await ReadAsync(marshaller, CancellationToken) is not null)
            throw new RpcException(new Status(StatusCode.Unimplemented, "This method takes one message; there are more."));
        return message;
    }

    public async Task WriteAsync(IMessage message, bool flush, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _writing, 1) == 1)
            throw new InvalidOperationException("A write must finish before the next one of the call begins.");
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            BeginResponse();
            MessageWriter.Write(_http.Response.BodyWriter, message, _head.ResponseGzip);
            if (flush)
                await _http.Response.BodyWriter.FlushAsync(cancellationToken);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    /// <summary>Ends the call. A call without response ends in its headers alone, any other in trailers.</summary>
    public void Finish(Status status, Metadata trailers)
    {
        // A reset stream takes no status, and Kestrel refuses trailers for it.
        if (ClientGone)
            return;
        var target = _responded || _http.Response.HasStarted
            ? _http.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers
            : _http.Response.Headers;
        StatusHeaders.Append(target, status);
        foreach (var entry in ResponseTrailers.Concat(trailers))
            Append(target, entry);
    }

    public void Dispose()
    {
        _ended.Dispose();
        _deadline?.Dispose();
    }

    private void BeginResponse()
    {
        if (_responded)
            return;
        _responded = true;
        if (_head.ResponseGzip)
            _http.Response.Headers[GrpcProtocol.EncodingHeader] = GrpcProtocol.Gzip;
    }

    private static void Append(IHeaderDictionary headers, Metadata.Entry entry) =>
        headers[entry.Key] = StringValues.Concat(headers[entry.Key], MetadataCodec.Encode(entry));
}
