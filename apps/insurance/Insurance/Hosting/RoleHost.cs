using System.Net;
using System.Net.Sockets;
using Insurance.Billing;
using Insurance.Contracts;
using Insurance.Gateway;
using Insurance.Underwriting;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Insurance.Hosting;

/// <summary>Builds and runs the process for the roles it was given.</summary>
internal sealed class RoleHost
{
    /// <summary>Checks with this tag decide whether work may be sent to the process.</summary>
    public const string ReadyTag = "ready";

    private static readonly Dictionary<string, Action<RoleHost>> Roles = new(StringComparer.Ordinal)
    {
        [Topology.Roles.Gateway] = GatewayRole.Add,
        [Topology.Roles.Underwriting] = UnderwritingRole.Add,
        [Topology.Roles.Billing] = BillingRole.Add,
    };

    private readonly List<Action<WebApplication>> _pipeline = [];
    private readonly List<(string Setting, IPEndPoint EndPoint)> _listeners = [];

    private RoleHost()
    {
        // Settings come from the environment; the directory the process happens to start in has no say.
        Builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        Settings = new SettingsReader(Builder.Configuration);
        Builder.Services.AddSingleton(TimeProvider.System);
        Builder.Logging.ClearProviders().AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
        });
        Builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // What is behind a check says so once, when it changes; this would say it at every probe.
        Builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
    }

    public WebApplicationBuilder Builder { get; }

    public SettingsReader Settings { get; }

    /// <summary>0 where the process ended as asked, 1 where it could not start or had to give up.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> roles)
    {
        var host = new RoleHost();
        host.AddHealth();
        foreach (var role in roles)
        {
            if (Roles.TryGetValue(role, out var add))
                add(host);
            else
                host.Settings.Refuse("--roles", $"names {role}, which this build does not have.");
        }

        host.CheckListeners();
        if (host.Settings.IsValid)
            return await host.RunAsync();
        foreach (var error in host.Settings.Errors)
            await Console.Error.WriteLineAsync(error);
        return 1;
    }

    /// <summary>Adds a port; the setting is what a person has to change where it is taken.</summary>
    public void Listen(string setting, IPAddress address, int port, HttpProtocols protocols)
    {
        _listeners.Add((setting, new IPEndPoint(address, port)));
        Builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(address, port, listen => listen.Protocols = protocols));
    }

    /// <summary>Adds a step to the HTTP pipeline, before the health endpoints.</summary>
    public void Use(Action<WebApplication> step) => _pipeline.Add(step);

    private void AddHealth()
    {
        Builder.Services.AddHealthChecks();
        var address = Settings.Address("INSURANCE_LISTEN", IPAddress.Loopback);
        var port = Settings.Number("INSURANCE_HEALTH_PORT", fallback: 5081, from: 0, to: ushort.MaxValue);
        Listen("INSURANCE_HEALTH_PORT", address, port, HttpProtocols.Http1);
    }

    // Kestrel reports a taken port by an exception with its stack; this says the same in a line, before anything else starts.
    private void CheckListeners()
    {
        foreach (var (setting, endPoint) in _listeners.Where(listener => !Settings.IsRefused(listener.Setting)))
        {
            try
            {
                using var probe = new TcpListener(endPoint);
                probe.Start();
            }
            catch (SocketException exception)
            {
                Settings.Refuse(setting, $"leads to {endPoint}, where this process cannot listen: {exception.Message}.");
            }
        }
    }

    private async Task<int> RunAsync()
    {
        await using var app = Builder.Build();
        try
        {
            foreach (var step in _pipeline)
                step(app);
        }
        catch (SettingsException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 1;
        }

        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadyTag) });
        var exit = app.Services.GetService<ExitStatus>();
        try
        {
            await app.RunAsync();
            return exit?.Code ?? 0;
        }
        catch (IOException exception)
        {
            // The port was taken between the check above and now.
            await Console.Error.WriteLineAsync(exception.Message);
            return 1;
        }
    }
}
