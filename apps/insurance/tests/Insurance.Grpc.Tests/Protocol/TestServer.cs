using System.Net;
using Grpc.Core;
using Insurance.Contracts;
using Insurance.Grpc.Client;
using Insurance.Grpc.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Insurance.Grpc.Tests.Protocol;

/// <summary>A gRPC server on a port of its own, whose two methods are what the test says.</summary>
public sealed class TestServer : PolicyGateway.PolicyGatewayBase, IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestServer(GrpcServerOptions? options)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(Log).SetMinimumLevel(LogLevel.Debug);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.ConfigureForGrpc();
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        _app = builder.Build();
        _app.UseGrpc(binder => PolicyGateway.BindService(binder, this), options);
    }

    public MemoryLog Log { get; } = new();

    public Uri Address => new(_app.Urls.Single());

    public Func<PublishRequest, ServerCallContext, Task<PublishResponse>> OnPublish { get; set; } =
        (request, _) => Task.FromResult(new PublishResponse { EventId = request.Event.EventId });

    public Func<IAsyncStreamReader<PublishRequest>, IServerStreamWriter<PublishAck>, ServerCallContext, Task> OnStream { get; set; } =
        async (requests, responses, _) =>
        {
            while (await requests.MoveNext(CancellationToken.None))
                await responses.WriteAsync(new PublishAck { EventId = requests.Current.Event.EventId });
        };

    public static async Task<TestServer> StartAsync(GrpcServerOptions? options = null)
    {
        var server = new TestServer(options);
        await server._app.StartAsync();
        return server;
    }

    public GrpcChannel Channel(GrpcChannelOptions? options = null) => GrpcChannel.ForAddress(Address, options);

    public override Task<PublishResponse> Publish(PublishRequest request, ServerCallContext context) => OnPublish(request, context);

    public override Task PublishStream(
        IAsyncStreamReader<PublishRequest> requestStream, IServerStreamWriter<PublishAck> responseStream, ServerCallContext context) =>
        OnStream(requestStream, responseStream, context);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
