using Grpc.Health.V1;
using Insurance.Contracts;
using Insurance.Grpc.Server;
using Insurance.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Insurance.Gateway;

/// <summary>Adds the gateway to the process.</summary>
internal static class GatewayRole
{
    public static void Add(RoleHost host)
    {
        var settings = GatewaySettings.Read(host.Settings);
        host.Listen("INSURANCE_GRPC_PORT", settings.Listen, settings.Port, HttpProtocols.Http2);
        host.Builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.ConfigureForGrpc());

        var services = host.Builder.Services;
        services.AddSingleton<ExitStatus>();
        services.AddSingleton(settings.Token);
        services.AddSingleton<EventRules>();
        services.AddSingleton(provider => new EventPublisher(
            settings.Kafka,
            provider.GetRequiredService<EventRules>(),
            provider.GetRequiredService<ExitStatus>(),
            provider.GetRequiredService<ILogger<EventPublisher>>()));
        services.AddSingleton<BrokerState>();
        services.AddHostedService<BrokerWatch>();
        services.AddSingleton<PolicyGatewayService>();
        services.AddSingleton<GatewayHealthService>();
        services.AddHealthChecks().Add(new HealthCheckRegistration("gateway", CreateCheck, HealthStatus.Unhealthy, [RoleHost.ReadyTag]));

        host.Use(app => app.UseGrpc(binder =>
        {
            PolicyGateway.BindService(binder, app.Services.GetRequiredService<PolicyGatewayService>());
            Health.BindService(binder, app.Services.GetRequiredService<GatewayHealthService>());
        }));
    }

    private static BrokerCheck CreateCheck(IServiceProvider services) => new(services.GetRequiredService<BrokerState>());

    private sealed class BrokerCheck(BrokerState broker) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(broker.Current.Reachable
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("Events cannot be published."));
    }
}
