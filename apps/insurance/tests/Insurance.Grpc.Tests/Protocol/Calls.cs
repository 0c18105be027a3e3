using Google.Rpc;
using Grpc.Core;
using Insurance.Contracts;
using Insurance.Grpc.Client;
using Insurance.Grpc.Server;
using Status = Grpc.Core.Status;

namespace Insurance.Grpc.Tests.Protocol;

public sealed class Calls : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private TestServer _server = null!;
    private GrpcChannel _channel = null!;
    private PolicyGateway.PolicyGatewayClient _client = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync(new GrpcServerOptions { MaxReceiveMessageSize = 100_000 });
        _channel = _server.Channel();
        _client = new PolicyGateway.PolicyGatewayClient(_channel);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_unary_call_goes_there_and_back(bool gzip)
    {
        using var channel = _server.Channel(new GrpcChannelOptions { Gzip = gzip });
        var response = await new PolicyGateway.PolicyGatewayClient(channel).PublishAsync(Request(new string('x', 90_000)));
        response.EventId.Length.ShouldBe(90_000);
    }

    [Fact]
    public async Task Metadata_arrives_in_both_directions()
    {
        _server.OnPublish = async (_, context) =>
        {
            await context.WriteResponseHeadersAsync(new Metadata { { "x-text", context.RequestHeaders.GetValue("x-text")! } });
            context.ResponseTrailers.Add("x-bytes-bin", context.RequestHeaders.GetValueBytes("x-bytes-bin")!);
            return new PublishResponse();
        };
        using var call = _client.PublishAsync(Request("e"), new Metadata { { "x-text", "a b" }, { "x-bytes-bin", [0, 255] } });
        await call;
        (await call.ResponseHeadersAsync).GetValue("x-text").ShouldBe("a b");
        call.GetTrailers().GetValueBytes("x-bytes-bin").ShouldBe([0, 255]);
    }

    [Fact]
    public async Task Large_metadata_passes()
    {
        _server.OnPublish = (_, context) => Task.FromResult(new PublishResponse { EventId = context.RequestHeaders.GetValue("x-large")! });
        var large = new string('x', 60_000);
        (await _client.PublishAsync(Request("e"), new Metadata { { "x-large", large } })).EventId.ShouldBe(large);
    }

    [Fact]
    public async Task A_refusal_arrives_with_its_details()
    {
        var bad = new BadRequest { FieldViolations = { new BadRequest.Types.FieldViolation { Field = "event", Description = "Нет" } } };
        _server.OnPublish = (_, _) => throw new Google.Rpc.Status
        {
            Code = (int)StatusCode.InvalidArgument,
            Message = "100 % неверно",
            Details = { Google.Protobuf.WellKnownTypes.Any.Pack(bad) },
        }.ToRpcException();
        var refusal = await Should.ThrowAsync<RpcException>(async () => await _client.PublishAsync(Request("e")));
        refusal.Status.ShouldBe(new Status(StatusCode.InvalidArgument, "100 % неверно"));
        refusal.GetRpcStatus()!.Details.Single().Unpack<BadRequest>().ShouldBe(bad);
    }

    [Fact]
    public async Task A_status_set_instead_of_thrown_ends_the_call()
    {
        _server.OnPublish = (_, context) =>
        {
            context.Status = new Status(StatusCode.NotFound, "no");
            return Task.FromResult(new PublishResponse());
        };
        (await StatusOf(_client.PublishAsync(Request("e")))).ShouldBe(StatusCode.NotFound);
    }

    [Fact]
    public async Task The_server_is_told_the_deadline_and_stops_at_it()
    {
        var stopped = new TaskCompletionSource<DateTime>(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.OnPublish = async (_, context) =>
        {
            await using var registration = context.CancellationToken.Register(() => stopped.SetResult(context.Deadline));
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return new PublishResponse();
        };
        // Long enough for the call to reach the handler while other tests have the processors.
        var deadline = DateTime.UtcNow.AddSeconds(3);
        (await StatusOf(_client.PublishAsync(Request("e"), deadline: deadline))).ShouldBe(StatusCode.DeadlineExceeded);
        (await stopped.Task.WaitAsync(Patience, Cancelled)).ShouldBe(deadline, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task The_server_itself_reports_a_deadline_that_passed()
    {
        using var raw = new RawClient(_server.Address);
        _server.OnPublish = async (_, context) =>
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return new PublishResponse();
        };
        (await raw.SendAsync(RawClient.Frame([]), headers: ("grpc-timeout", "50m"))).Status.ShouldBe("4");
    }

    [Fact]
    public async Task A_cancelled_call_cancels_its_handler()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.OnPublish = async (_, context) =>
        {
            await using var registration = context.CancellationToken.Register(() => stopped.SetResult());
            started.SetResult();
            await stopped.Task;
            throw new OperationCanceledException();
        };
        using var cancel = new CancellationTokenSource();
        using var call = _client.PublishAsync(Request("e"), cancellationToken: cancel.Token);
        await started.Task.WaitAsync(Patience, Cancelled);
        await cancel.CancelAsync();
        (await StatusOf(call)).ShouldBe(StatusCode.Cancelled);
        await stopped.Task.WaitAsync(Patience, Cancelled);
    }

    [Fact]
    public async Task A_message_past_the_limit_is_refused_on_either_side()
    {
        (await StatusOf(_client.PublishAsync(Request(new string('x', 100_001))))).ShouldBe(StatusCode.ResourceExhausted);
        using var narrow = _server.Channel(new GrpcChannelOptions { MaxReceiveMessageSize = 100 });
        var call = new PolicyGateway.PolicyGatewayClient(narrow).PublishAsync(Request(new string('x', 101)));
        (await StatusOf(call)).ShouldBe(StatusCode.ResourceExhausted);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unavailable()
    {
        using var nowhere = GrpcChannel.ForAddress("http://127.0.0.1:1");
        var client = new PolicyGateway.PolicyGatewayClient(nowhere);
        (await StatusOf(client.PublishAsync(Request("e")))).ShouldBe(StatusCode.Unavailable);
        using var stream = client.PublishStream();
        Func<Task>[] steps = [() => stream.RequestStream.WriteAsync(Request("e")), () => stream.ResponseStream.MoveNext(Cancelled)];
        foreach (var step in steps)
            (await Should.ThrowAsync<RpcException>(step)).StatusCode.ShouldBe(StatusCode.Unavailable);
    }

    private static PublishRequest Request(string eventId) => new() { Event = new PolicyEvent { EventId = eventId } };

    private static async Task<StatusCode> StatusOf(AsyncUnaryCall<PublishResponse> call) =>
        (await Should.ThrowAsync<RpcException>(async () => await call.ResponseAsync.WaitAsync(Patience))).StatusCode;
}
