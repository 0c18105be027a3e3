using System.IO.Pipelines;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Client;

/// <summary>One call: its request under way, its responses as a stream, its status.</summary>
/// <remarks>Every failure that leaves it is an <see cref="RpcException"/>. One read at a time.</remarks>
internal sealed class ClientCall<TResponse> : IAsyncStreamReader<TResponse>, IDisposable
    where TResponse : class, IMessage<TResponse>
{
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly HttpRequestMessage _request;
    private readonly Marshaller<TResponse> _marshaller;
    private readonly int _maxMessageSize;
    private readonly CancellationTokenSource? _deadline;
    private readonly CancellationTokenSource _ended;
    private readonly CancellationToken _endedToken;
    private readonly Task<HttpResponseMessage> _response;
    private MessageReader? _reader;
    private TResponse? _current;
    private RpcException? _failure;
    private bool _finished;
    private int _disposed;

    public ClientCall(
        HttpMessageInvoker http,
        HttpRequestMessage request,
        Marshaller<TResponse> marshaller,
        GrpcChannelOptions options,
        TimeSpan? timeout,
        CancellationToken cancellationToken)
    {
        _request = request;
        _marshaller = marshaller;
        _maxMessageSize = options.MaxReceiveMessageSize;
        if (timeout <= LongestTimer)
            _deadline = new CancellationTokenSource(timeout > TimeSpan.Zero ? timeout.Value : TimeSpan.Zero, options.TimeProvider);
        _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _deadline?.Token ?? default);
        _endedToken = _ended.Token;
        _response = SendAsync(http);
        HeadersAsync = ReadHeadersAsync();
        // Both are offered, but nobody has to ask for them.
        Observe(_response);
        Observe(HeadersAsync);
    }

    public Task<Metadata> HeadersAsync { get; }

    public Metadata Trailers { get; private set; } = [];

    public TResponse Current => _current ??
        throw new InvalidOperationException("There is no current message: MoveNext did not return true.");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        _current = await ReadAsync(cancellationToken);
        return _current is not null;
    }

    public Task<TResponse> ReadSingleAsync()
    {
        var single = ReadSingleCoreAsync();
        Observe(single);
        return single;
    }

    /// <summary>What a caller is told about an exception of the transport.</summary>
    public RpcException Translate(Exception exception)
    {
        if (_failure is not null)
            return _failure;
        var (code, detail) = exception switch
        {
            _ when _deadline is { IsCancellationRequested: true } => (StatusCode.DeadlineExceeded, "The deadline passed."),
            OperationCanceledException => (StatusCode.Cancelled, "The call was cancelled."),
            HttpProtocolException reset => (HttpStatusMapping.ToGrpc(reset), reset.Message),
            HttpRequestException { InnerException: HttpProtocolException reset } => (HttpStatusMapping.ToGrpc(reset), reset.Message),
            _ => (StatusCode.Unavailable, exception.Message),
        };
        return new RpcException(new Status(code, detail), exception);
    }

    public void Dispose()
    {
        // Twice is once: the first cancels what still runs and lets go of the caller's token.
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        _ended.Cancel();
        _ended.Dispose();
        if (_response.IsCompletedSuccessfully)
            _response.Result.Dispose();
        _request.Dispose();
        _deadline?.Dispose();
    }

    private static void Observe(Task task) =>
        _ = task.ContinueWith(
            static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker http)
    {
        try
        {
            var response = await http.SendAsync(_request, _endedToken);
            var contentType = response.Content.Headers.ContentType?.ToString();
            if (response.StatusCode == HttpStatusCode.OK && GrpcProtocol.IsGrpcContentType(contentType))
                return response;
            response.Dispose();
            throw new RpcException(new Status(
                HttpStatusMapping.ToGrpc(response.StatusCode), $"The peer answered with HTTP status {(int)response.StatusCode}."));
        }
        catch (Exception exception)
        {
            // The boundary to the HTTP client, whose exceptions have many types and one meaning: no call came about.
            _failure = exception as RpcException ?? Translate(exception);
            EndRequest(_failure);
            throw _failure;
        }
    }

    private async Task<Metadata> ReadHeadersAsync() => ResponseHead.ToMetadata((await _response).Headers);

    private async Task<TResponse> ReadSingleCoreAsync()
    {
        try
        {
            var message = await ReadAsync(CancellationToken.None)
                ?? throw new RpcException(new Status(StatusCode.Unimplemented, "The server ended the call with OK, but sent no message."));
            if (await ReadAsync(CancellationToken.None) is not null)
                throw new RpcException(new Status(StatusCode.Unimplemented, "The server sent more than the one message of this method."));
            return message;
        }
        finally
        {
            Dispose();
        }
    }

    private async Task<TResponse?> ReadAsync(CancellationToken cancellationToken)
    {
        if (_failure is not null)
            throw _failure;
        if (_finished)
            return null;
        try
        {
            var response = await _response.WaitAsync(cancellationToken);
            _reader ??= new MessageReader(
                PipeReader.Create(await response.Content.ReadAsStreamAsync(_endedToken)),
                _maxMessageSize,
                ResponseHead.Encoding(response) == GrpcProtocol.Gzip);
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _endedToken);
            if (await _reader.ReadAsync(_marshaller, linked.Token) is { } message)
                return message;
            Finish(response);
            return null;
        }
        catch (Exception exception)
        {
            // The boundary to the HTTP client, as above; the first failure is the one the call ends with.
            _failure ??= exception as RpcException ?? Translate(exception);
            EndRequest(_failure);
            throw _failure;
        }
    }

    private void Finish(HttpResponseMessage response)
    {
        var (status, trailers) = ResponseHead.Status(response);
        Trailers = trailers;
        _finished = true;
        if (status.StatusCode != StatusCode.OK)
            throw new RpcException(status, trailers);
        EndRequest(null);
    }

    // The server may end the call before the client has: the body must not stay open behind it.
    private void EndRequest(RpcException? failure) => (_request.Content as StreamedContent)?.End(failure);
}
