using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Onceward;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Hosting;
using Onceward.Ledger;
using Onceward.Outbox;

// Extensions of the container live in its namespace, so that they are found without a using.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Onceward.</summary>
public static class OncewardServiceCollectionExtensions
{
    /// <summary>
    /// Adds what workers share. The database comes from the <c>NpgsqlDataSource</c> in the container, the cluster from
    /// <see cref="OncewardOptions.BootstrapServers"/> or the conventional <c>KAFKA_*</c> variables.
    /// </summary>
    public static OncewardBuilder AddOnceward(this IServiceCollection services, Action<OncewardOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<OncewardOptions>().Configure<IConfiguration>(KafkaVariables.Apply).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<OncewardOptions>, OncewardOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>());
        if (configure is not null)
            services.Configure(configure);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ISerdes, JsonSerdes>();
        services.TryAddSingleton<Waypoints>();
        services.TryAddSingleton<Cluster>();
        services.TryAddSingleton<LedgerSchema>();
        services.TryAddSingleton<OutboxSignal>();
        services.TryAddSingleton<ParkedKeys>();
        services.TryAddSingleton<DeadLetters>();
        services.TryAddSingleton<WorkerOffsets>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, RelayService>());
        return new OncewardBuilder(services);
    }
}
