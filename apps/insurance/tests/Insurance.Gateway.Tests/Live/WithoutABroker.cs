using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Insurance.Contracts;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Insurance.Gateway.Tests.Live;

public sealed class WithoutABroker
{
    [Fact]
    public async Task The_gateway_lives_is_not_ready_and_acknowledges_nothing()
    {
        await using var gateway = await GatewayProcess.StartAsync(Broker.Nowhere);
        var question = new HealthCheckRequest { Service = Topology.Services.PolicyGateway };
        (await gateway.Health.CheckAsync(question)).Status.ShouldBe(Serving.NotServing);
        (await gateway.Http.GetAsync("/health/ready")).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        var refusal = await Should.ThrowAsync<RpcException>(async () => await gateway.Client.PublishAsync(
            new PublishRequest { Event = Events.Issued() }, GatewayProcess.Authorized, DateTime.UtcNow.AddSeconds(1)));
        refusal.StatusCode.ShouldBe(StatusCode.DeadlineExceeded);
    }

    [Fact]
    public async Task Setup_fails_in_one_line()
    {
        var (exitCode, output) = await GatewayProcess.RunAsync(["setup"], Broker.Nowhere, setupSeconds: 1);
        exitCode.ShouldBe(1);
        output.Trim().Split('\n').ShouldHaveSingleItem().ShouldContain(Broker.Nowhere);
    }

    [Fact]
    public async Task A_taken_port_fails_in_one_line()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var (exitCode, output) = await GatewayProcess.RunAsync(["--roles", "gateway"], Broker.Nowhere, port);
        exitCode.ShouldBe(1);
        output.Trim().Split('\n').ShouldHaveSingleItem().ShouldStartWith("INSURANCE_GRPC_PORT");
    }
}
