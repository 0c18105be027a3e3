using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Onceward.Unit.Hosting;

public sealed class OptionsTests
{
    [Fact]
    public void Everything_that_is_wrong_is_named_at_once()
    {
        var failures = Should.Throw<OptionsValidationException>(() => Read([], o =>
        {
            o.Application = "no spaces";
            o.MaxMessageBytes = 10;
            o.Relay.Slots = 0;
            o.Relay.MaxRows = 0;
            o.Relay.TransactionTimeout = TimeSpan.FromSeconds(1);
            o.Relay.SnapshotEvery = 0;
            o.Relay.IdleDelay = TimeSpan.FromSeconds(-1);
        })).Failures.ToArray();
        foreach (var name in (string[])["BootstrapServers", "Application", "MaxMessageBytes", "Slots", "MaxRows", "TransactionTimeout", "SnapshotEvery", "IdleDelay"])
            failures.ShouldContain(f => f.Contains(name), name);
        failures.Length.ShouldBe(8);
    }

    [Fact]
    public void The_defaults_are_valid_but_for_the_cluster() =>
        Should.Throw<OptionsValidationException>(() => Read([])).Failures.ShouldHaveSingleItem().ShouldContain("KAFKA_BOOTSTRAP_SERVERS");

    [Fact]
    public void The_conventional_variables_are_taken_over()
    {
        var options = Read(new()
        {
            ["KAFKA_BOOTSTRAP_SERVERS"] = "a:1,b:2", ["KAFKA_CONSUMER_GROUP_ID"] = "eu", ["KAFKA_SECURITY_PROTOCOL"] = "SASL_SSL",
            ["KAFKA_SASL_MECHANISM"] = "PLAIN", ["KAFKA_SASL_USERNAME"] = "u", ["KAFKA_SASL_PASSWORD"] = "p", ["KAFKA_SSL_CA_LOCATION"] = "/ca",
            ["KAFKA_SSL_KEY_PASSWORD"] = "", ["KAFKA_PRODUCER_ACKS"] = "all",
        });
        options.BootstrapServers.ShouldBe("a:1,b:2");
        options.GroupId("sums").ShouldBe("eu.sums");
        options.Client.OrderBy(c => c.Key).Select(c => $"{c.Key}={c.Value}").ShouldBe(
            ["sasl.mechanism=PLAIN", "sasl.password=p", "sasl.username=u", "security.protocol=SASL_SSL", "ssl.ca.location=/ca"]);
    }

    [Fact]
    public void Weaker_acknowledgements_are_refused() =>
        Should.Throw<OncewardException>(() => Read(new() { ["KAFKA_BOOTSTRAP_SERVERS"] = "a:1", ["KAFKA_PRODUCER_ACKS"] = "1" })).Message.ShouldContain("'1'");

    [Fact]
    public void The_section_wins_over_variables_and_code_wins_over_both()
    {
        var settings = new Dictionary<string, string?>
        {
            ["KAFKA_BOOTSTRAP_SERVERS"] = "variable:1", ["Onceward:BootstrapServers"] = "section:1", ["Onceward:Application"] = "section",
            ["Onceward:Relay:Slots"] = "3", ["Onceward:Client:client.rack"] = "r",
        };
        var options = Read(settings, o => o.Application = "code");
        (options.BootstrapServers, options.Application, options.Relay.Slots, options.Client["client.rack"]).ShouldBe(("section:1", "code", 3, "r"));
    }

    [Fact]
    public void Settings_of_a_worker_come_from_its_section_and_code_wins()
    {
        var options = ReadWorker(new()
        {
            ["Onceward:Workers:sums:Lanes:Count"] = "2", ["Onceward:Workers:sums:Lanes:MaxRecords"] = "10", ["Onceward:Workers:sums:Consumer:client.rack"] = "r",
            ["Onceward:Workers:sums:GroupProtocol"] = "Consumer", ["Onceward:Workers:sums:InstanceName"] = "sums-0",
        }, o => o.Lanes.MaxRecords = 20);
        (options.Lanes.Count, options.Lanes.MaxRecords, options.Consumer["client.rack"]).ShouldBe((2, 20, "r"));
        (options.GroupProtocol, options.InstanceName).ShouldBe((Confluent.Kafka.GroupProtocol.Consumer, "sums-0"));
    }

    [Fact]
    public void Everything_that_is_wrong_with_a_worker_is_named_at_once()
    {
        var failures = Should.Throw<OptionsValidationException>(() => ReadWorker([], o =>
        {
            o.Lanes.Count = 0;
            o.Lanes.MaxRecords = 0;
            o.Lanes.MaxBytes = 0;
            o.Lanes.Linger = TimeSpan.FromSeconds(-1);
            o.MaxBufferedBytes = 0;
            o.SessionTimeout = TimeSpan.Zero;
            o.GroupProtocol = (Confluent.Kafka.GroupProtocol)7;
            o.InstanceName = "no spaces";
            o.MirrorInterval = TimeSpan.Zero;
            o.DedupeWindow = TimeSpan.FromSeconds(59);
        })).Failures.ToArray();
        foreach (var name in (string[])["Lanes.Count", "Lanes.MaxRecords", "Lanes.MaxBytes", "Lanes.Linger", "MaxBufferedBytes", "SessionTimeout", "GroupProtocol", "InstanceName", "MirrorInterval", "DedupeWindow"])
            failures.ShouldContain(f => f.Contains(name) && f.Contains("sums"), name);
        failures.Length.ShouldBe(10);
    }

    private static OncewardOptions Read(Dictionary<string, string?> settings, Action<OncewardOptions>? configure = null)
    {
        var services = Services(settings);
        services.AddOnceward(configure);
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<OncewardOptions>>().Value;
    }

    private static WorkerOptions ReadWorker(Dictionary<string, string?> settings, Action<WorkerOptions> configure)
    {
        var services = Services(settings);
        services.AddOnceward().AddWorker("sums", w => w.Configure(configure).From("in").Handle<string, Ignore<string>>());
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptionsMonitor<WorkerOptions>>().Get("sums");
    }

    private static ServiceCollection Services(Dictionary<string, string?> settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        return services;
    }
}
