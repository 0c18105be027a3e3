using System.Diagnostics;
using Confluent.Kafka;

namespace Onceward.Broker.Bench;

/// <summary>librdkafka's mock cluster lives in a client; here, in a client that does nothing else.</summary>
internal static class MockCluster
{
    public const string Verb = "serve-mock";

    /// <summary>Serves until the process is ended. Writes its port to the file.</summary>
    public static async Task ServeAsync(string file)
    {
        using var client = new ProducerBuilder<Null, Null>(new Dictionary<string, string> { ["bootstrap.servers"] = "ignored:1", ["test.mock.num.brokers"] = "1" }).Build();
        using var admin = new DependentAdminClientBuilder(client.Handle).Build();
        var port = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers.Single().Port;
        await File.WriteAllTextAsync(file + ".new", $"{port}");
        File.Move(file + ".new", file);
        await Task.Delay(Timeout.Infinite);
    }

    public static async Task<BrokerProcess> StartAsync(string file)
    {
        var serving = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Verb, file]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var watch = Stopwatch.StartNew();
        while (!File.Exists(file))
        {
            if (serving.HasExited || watch.Elapsed > TimeSpan.FromSeconds(30))
                throw new InvalidOperationException("librdkafka's mock cluster did not come up.");
            await Task.Delay(5);
        }
        return new BrokerProcess(serving, $"127.0.0.1:{await File.ReadAllTextAsync(file)}", watch.Elapsed);
    }
}
