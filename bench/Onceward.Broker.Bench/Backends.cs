using System.Diagnostics;
using Onceward.Bench;

namespace Onceward.Broker.Bench;

/// <summary>One kind of broker: how to start it, empty, in a folder of its own.</summary>
/// <param name="Name">For the command line and the table.</param>
/// <param name="Description">For the table.</param>
/// <param name="Start">Starts one.</param>
/// <param name="Keeps">Whether it keeps what it acknowledged: the mock drops records silently, so reading from it proves nothing.</param>
internal sealed record Backend(string Name, string Description, Func<string, Task<BrokerProcess>> Start, bool Keeps = true)
{
    public static IReadOnlyList<Backend> All { get; } =
    [
        new("embedded", "the embedded broker, on disk", StartEmbeddedAsync),
        new("kafka", "Apache Kafka, one node", StartKafkaAsync),
        new("mock", "librdkafka's mock cluster, in memory", StartMockAsync, Keeps: false),
    ];

    public static string KafkaHome { get; } = Environment.GetEnvironmentVariable("KAFKA_HOME") ?? "";

    public static Task<BrokerProcess> StartEmbeddedAsync(string folder)
    {
        var port = BrokerProcess.FreePort();
        var program = Path.Combine(Machine.Root, "tools", "Onceward.Cli", "bin", "Release", "net10.0", "Onceward.Cli");
        return BrokerProcess.StartAsync(new ProcessStartInfo(program, ["broker", "--port", $"{port}", "--data", folder]), port);
    }

    private static Task<BrokerProcess> StartKafkaAsync(string folder)
    {
        var (port, controller) = (BrokerProcess.FreePort(), BrokerProcess.FreePort());
        var properties = Path.Combine(folder, "server.properties");
        File.WriteAllText(properties, $"""
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@127.0.0.1:{controller}
            controller.listener.names=CONTROLLER
            listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
            advertised.listeners=PLAINTEXT://127.0.0.1:{port}
            log.dirs={Path.Combine(folder, "data")}
            offsets.topic.replication.factor=1
            transaction.state.log.replication.factor=1
            transaction.state.log.min.isr=1
            group.initial.rebalance.delay.ms=0
            """);
        using (var format = Process.Start(Kafka("kafka-storage.sh", folder, ["format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", properties]))!)
            format.WaitForExit();
        return BrokerProcess.StartAsync(Kafka("kafka-server-start.sh", folder, [properties]), port);
    }

    private static ProcessStartInfo Kafka(string script, string folder, string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(KafkaHome, "bin", script), arguments) { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardOutput = true };
        start.Environment["LOG_DIR"] = folder;
        start.Environment["KAFKA_HEAP_OPTS"] = Environment.GetEnvironmentVariable("KAFKA_HEAP_OPTS") ?? "-Xms1g -Xmx1g"; // as its own start script sets it
        return start;
    }

    private static Task<BrokerProcess> StartMockAsync(string folder)
    {
        // The mock picks a port by itself and has no other way to be reached than the client that made it: this program, started again.
        var file = Path.Combine(folder, "address");
        return MockCluster.StartAsync(file);
    }
}
