using Insurance.Hosting;
using Insurance.Sql;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Onceward;
using Onceward.Hosting;
using Onceward.Protobuf;

namespace Insurance.Workers;

/// <summary>What the roles that consume share in one process: the database, Onceward, the relay.</summary>
internal static class WorkerRoles
{
    /// <summary>Names the outbox's relay, in every process of the system the same.</summary>
    public const string Application = "insurance";

    /// <summary>Two producers keep up with far more premiums than one database has events; each slot more is a producer more.</summary>
    private const int RelaySlots = 2;

    /// <summary>
    /// The rules reject without failing, so what fails here is a record that breaks its contract: a few attempts within seconds tell it from
    /// bad luck, and its partition is not held up for long.
    /// </summary>
    public static void Retry(RetryOptions retry) => retry.Attempts(4).Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));

    /// <summary>Adds a worker with its readiness check, and before the first one what all of them need.</summary>
    public static void Add(RoleHost host, string worker, Action<OncewardBuilder> add)
    {
        var services = host.Builder.Services;
        var onceward = services.Select(service => service.ImplementationInstance).OfType<OncewardBuilder>().FirstOrDefault() ?? AddShared(host);
        add(onceward);
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            worker, provider => ActivatorUtilities.CreateInstance<WorkerCheck>(provider, worker), HealthStatus.Unhealthy, [RoleHost.ReadyTag]));
    }

    private static OncewardBuilder AddShared(RoleHost host)
    {
        var connection = Database.Read(host.Settings);
        // Where the brokers are is Onceward's to read; that it was told at all is checked here, with everything else.
        host.Settings.Required("KAFKA_BOOTSTRAP_SERVERS", "the brokers to start from, as host:port[,host:port…]");
        // The driver tells of every statement at Information, and an idle relay asks fifty times a second.
        host.Builder.Logging.AddFilter("Npgsql", LogLevel.Warning);
        var services = host.Builder.Services;
        services.AddSingleton(provider => Database.Open(connection, provider.GetRequiredService<ILoggerFactory>()));
        var onceward = services.AddOnceward(options =>
        {
            options.Application = Application;
            options.Relay.Slots = RelaySlots;
        }).UseProtobuf();
        services.AddSingleton(onceward);
        return onceward;
    }
}
