using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Onceward.Hosting;

/// <summary>Adds workers to what <c>AddOnceward</c> set up.</summary>
public sealed class OncewardBuilder
{
    internal OncewardBuilder(IServiceCollection services) => Services = services;

    /// <summary>The container being built.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a worker: a named consumer with its handlers. Its group is <c>&lt;prefix&gt;.&lt;name&gt;</c>.</summary>
    /// <param name="name">Letters, digits, dots, dashes. It names rows of the ledger: a renamed worker starts anew.</param>
    /// <param name="configure">Topics and handlers.</param>
    public OncewardBuilder AddWorker(string name, Action<WorkerBuilder> configure)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(configure);
        var worker = new WorkerBuilder(name, Services);
        configure(worker);
        var definition = worker.Build();
        Services.AddOptions<WorkerOptions>(name)
            .Configure<IConfiguration>((options, configuration) => configuration.GetSection($"Onceward:Workers:{name}").Bind(options))
            .Configure(options => worker.Options?.Invoke(options));
        // AddHostedService keeps one registration per type, and every worker is a WorkerService.
        Services.AddSingleton<IHostedService>(provider => ActivatorUtilities.CreateInstance<WorkerService>(
            provider, definition, provider.GetRequiredService<IOptionsMonitor<WorkerOptions>>().Get(name)));
        return this;
    }

    /// <summary>Decodes and encodes messages with <paramref name="serdes"/> instead of JSON.</summary>
    public OncewardBuilder UseSerdes(ISerdes serdes)
    {
        ArgumentNullException.ThrowIfNull(serdes);
        Services.AddSingleton(serdes);
        return this;
    }
}
