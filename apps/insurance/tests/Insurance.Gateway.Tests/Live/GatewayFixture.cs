namespace Insurance.Gateway.Tests.Live;

/// <summary>One gateway for all tests of a class; none where no broker is named, so that each test can skip itself.</summary>
public sealed class GatewayFixture : IAsyncLifetime
{
    private GatewayProcess? _gateway;

    internal GatewayProcess Gateway
    {
        get
        {
            Broker.OrSkip();
            return _gateway!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("ONCEWARD_TEST_KAFKA") is not { Length: > 0 } servers)
            return;
        var (exitCode, output) = await GatewayProcess.RunAsync(["setup"], servers);
        exitCode.ShouldBe(0, output);
        _gateway = await GatewayProcess.StartAsync(servers);
        await _gateway.ServingAsync();
    }

    public ValueTask DisposeAsync() => _gateway?.DisposeAsync() ?? ValueTask.CompletedTask;
}
