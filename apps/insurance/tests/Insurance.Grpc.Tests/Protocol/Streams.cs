using Grpc.Core;
using Insurance.Contracts;
using Insurance.Grpc.Client;

namespace Insurance.Grpc.Tests.Protocol;

public sealed class Streams : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private TestServer _server = null!;
    private GrpcChannel _channel = null!;
    private PolicyGateway.PolicyGatewayClient _client = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _channel = _server.Channel();
        _client = new PolicyGateway.PolicyGatewayClient(_channel);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Both_directions_flow_at_once()
    {
        using var call = _client.PublishStream();
        for (var i = 0; i < 100; i++)
        {
            await call.RequestStream.WriteAsync(Request($"{i}"));
            (await call.ResponseStream.MoveNext(Cancelled)).ShouldBeTrue();
            call.ResponseStream.Current.EventId.ShouldBe($"{i}");
        }

        await call.RequestStream.CompleteAsync();
        (await call.ResponseStream.MoveNext(Cancelled)).ShouldBeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_messages_come_back_in_order(bool gzip)
    {
        using var channel = _server.Channel(new GrpcChannelOptions { Gzip = gzip });
        using var call = new PolicyGateway.PolicyGatewayClient(channel).PublishStream();
        var reading = Task.Run(async () =>
        {
            var count = 0;
            while (await call.ResponseStream.MoveNext(Cancelled))
                call.ResponseStream.Current.EventId.ShouldBe($"{count++}");
            return count;
        });
        call.RequestStream.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
        for (var i = 0; i < 5_000; i++)
        {
            call.RequestStream.WriteOptions = i % 50 == 0 ? null : new WriteOptions(WriteFlags.BufferHint);
            await call.RequestStream.WriteAsync(Request($"{i}"));
        }

        await call.RequestStream.CompleteAsync();
        (await reading.WaitAsync(Patience, Cancelled)).ShouldBe(5_000);
    }

    [Fact]
    public async Task A_server_that_does_not_read_stops_the_writer()
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.OnStream = async (requests, responses, _) =>
        {
            await go.Task;
            var count = 0;
            while (await requests.MoveNext(CancellationToken.None))
                count++;
            await responses.WriteAsync(new PublishAck { EventId = $"{count}" });
        };
        using var call = _client.PublishStream();
        var large = Request(new string('x', 100_000));
        var written = 0;
        var writing = Task.Run(async () =>
        {
            while (written < 200)
            {
                await call.RequestStream.WriteAsync(large);
                Interlocked.Increment(ref written);
            }
        });
        // 20 MB do not fit into any window, so the writer must come to rest before its end, and move on once the server reads.
        await Rest(() => Volatile.Read(ref written));
        written.ShouldBeInRange(1, 60);
        go.SetResult();
        await writing.WaitAsync(Patience, Cancelled);
        await call.RequestStream.CompleteAsync();
        (await call.ResponseStream.MoveNext(Cancelled)).ShouldBeTrue();
        call.ResponseStream.Current.EventId.ShouldBe("200");
    }

    [Fact]
    public async Task A_stream_cut_in_the_middle_cancels_its_handler_and_harms_no_other_call()
    {
        var ended = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.OnStream = async (requests, _, _) =>
        {
            try
            {
                while (await requests.MoveNext(CancellationToken.None))
                    continue;
            }
            catch (Exception exception)
            {
                ended.SetResult(exception);
                throw;
            }
        };
        using (var call = _client.PublishStream())
            await call.RequestStream.WriteAsync(Request("1"));
        var exception = await ended.Task.WaitAsync(Patience, Cancelled);
        (exception is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled }).ShouldBeTrue(exception.ToString());
        (await _client.PublishAsync(Request("2"))).EventId.ShouldBe("2");
    }

    [Fact]
    public async Task A_stream_that_the_server_ends_early_fails_its_writer_with_the_servers_status()
    {
        _server.OnStream = (_, _, _) => throw new RpcException(new Status(StatusCode.Unauthenticated, "who?"));
        using var call = _client.PublishStream();
        var end = await Should.ThrowAsync<RpcException>(() => call.ResponseStream.MoveNext(Cancelled));
        end.StatusCode.ShouldBe(StatusCode.Unauthenticated);
        var failure = await Should.ThrowAsync<RpcException>(async () =>
        {
            while (true)
                await call.RequestStream.WriteAsync(Request("1")).WaitAsync(Patience, Cancelled);
        });
        failure.StatusCode.ShouldBe(StatusCode.Unauthenticated);
    }

    [Fact]
    public async Task Two_writes_at_once_are_refused()
    {
        _server.OnStream = async (_, responses, context) =>
        {
            var large = new PublishAck { EventId = new string('x', 3_000_000) };
            var first = responses.WriteAsync(large);
            Should.Throw<InvalidOperationException>(() => responses.WriteAsync(large));
            await first;
        };
        using var call = _client.PublishStream();
        await call.ResponseHeadersAsync.WaitAsync(Patience, Cancelled);
        (await call.ResponseStream.MoveNext(Cancelled)).ShouldBeTrue();
        (await call.ResponseStream.MoveNext(Cancelled)).ShouldBeFalse();
    }

    private static PublishRequest Request(string eventId) => new() { Event = new PolicyEvent { EventId = eventId } };

    // Unchanged over a while is the condition itself here, so it cannot be waited for in any other way.
    private static async Task Rest(Func<int> value)
    {
        var last = -1;
        while (value() is var now && (now != last || now == 0))
        {
            last = now;
            await Task.Delay(300, Cancelled);
        }
    }
}
