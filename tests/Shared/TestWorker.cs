using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.Hosting;

namespace Onceward.TestSupport;

/// <summary>A host with workers, in this process, against the test's own database and topics.</summary>
public sealed class TestWorker : IAsyncDisposable
{
    private readonly IHost _host;

    private readonly LogMemory _log;

    private TestWorker(IHost host, LogMemory log) => (_host, _log) = (host, log);

    /// <summary>Whether a message with this text was logged.</summary>
    public bool HasLogged(string text) => _log.Messages.Any(m => m.Contains(text, StringComparison.Ordinal));

    public IServiceProvider Services => _host.Services;

    /// <summary>Whether the host has stopped by itself.</summary>
    public bool HasStopped => Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.IsCancellationRequested
        || Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested;

    /// <summary>Starts a host.</summary>
    public static async Task<TestWorker> StartAsync(
        string connectionString, string application, Action<OncewardBuilder> workers, Action<OncewardOptions>? configure = null)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        var level = Enum.Parse<LogLevel>(Environment.GetEnvironmentVariable("ONCEWARD_TEST_LOG") ?? "None");
        builder.Logging.AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(level);
        using var log = new LogMemory();
        builder.Logging.AddProvider(log).AddFilter<LogMemory>(null, LogLevel.Information);
        builder.Services.AddSingleton(_ => new NpgsqlDataSourceBuilder(connectionString) { ConnectionStringBuilder = { MaxAutoPrepare = 50 } }.Build());
        workers(builder.Services.AddOnceward(o =>
        {
            o.BootstrapServers = TestServers.Kafka;
            o.Application = application;
            o.Relay.Slots = 2;
            configure?.Invoke(o);
        }));
        var host = builder.Build();
        await host.StartAsync();
        return new TestWorker(host, log);
    }

    /// <summary>Stops as on SIGTERM.</summary>
    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        // A host that a failed service has stopped throws what failed; the test has asked about that already.
        if (!HasStopped)
            await _host.StopAsync();
        if (_host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
    }
}
