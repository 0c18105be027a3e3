using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using Onceward.Broker;

namespace Onceward.Cli.Broker;

/// <summary><c>onceward broker</c>: the embedded broker in a process of its own, until Ctrl-C or SIGTERM.</summary>
internal static class BrokerCommand
{
    private const int DefaultPort = 9092;

    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "The port to listen on; 0: a free one.", DefaultValueFactory = _ => DefaultPort };
        var address = new Option<IPAddress>("--address")
        {
            Description = "The address to listen on and to tell clients. There is no authentication: leave it on the loopback address.",
            DefaultValueFactory = _ => IPAddress.Loopback,
            CustomParser = result => IPAddress.TryParse(result.Tokens.Single().Value, out var parsed) ? parsed : Refuse(result, "--address takes an IP address"),
        };
        var advertised = new Option<int>("--advertised-port") { Description = "The port to tell clients, where a proxy or a container maps ports; 0: the one listened on." };
        var data = new Option<string?>("--data") { Description = "The directory that keeps the records." };
        var memory = new Option<bool>("--memory") { Description = "Keep the records in memory; they go with the process." };
        var topics = new Option<string?>("--topics") { Description = "A file of topics to create where they are missing: name, partitions, key=value settings; a topic a line." };
        var autoCreate = new Option<bool>("--auto-create") { Description = "Create topics that clients ask for." };
        var partitions = new Option<int>("--default-partitions") { Description = "Partitions of topics that do not say how many.", DefaultValueFactory = _ => 1 };
        var lenient = new Option<bool>("--lenient-replication") { Description = "Take any replication factor, with this one node for all replicas." };
        var flush = new Option<FlushPolicy>("--flush") { Description = "When records are forced to disk.", DefaultValueFactory = _ => FlushPolicy.None };
        var command = new Command("broker", "Runs the embedded Kafka broker: for a first try, development and tests. Production means Apache Kafka.")
        {
            port, address, advertised, data, memory, topics, autoCreate, partitions, lenient, flush,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(data) is null == !parsed.GetValue(memory))
                throw new ToolException("say where the records are kept: either --data DIR or --memory");
            var options = new BrokerOptions
            {
                Port = parsed.GetValue(port),
                Address = parsed.GetValue(address)!,
                AdvertisedPort = parsed.GetValue(advertised),
                DataDirectory = parsed.GetValue(data),
                AutoCreateTopics = parsed.GetValue(autoCreate),
                DefaultPartitions = parsed.GetValue(partitions),
                LenientReplication = parsed.GetValue(lenient),
                Flush = parsed.GetValue(flush),
            };
            var wanted = parsed.GetValue(topics) is { } file ? TopicsFile.Read(file) : [];
            return await RunAsync(options, wanted, cancellationToken);
        });
        return command;
    }

    private static IPAddress? Refuse(System.CommandLine.Parsing.ArgumentResult result, string message)
    {
        result.AddError(message);
        return null;
    }

    private static async Task<int> RunAsync(BrokerOptions options, IReadOnlyList<WantedTopic> topics, CancellationToken cancellationToken)
    {
        using var logs = LoggerFactory.Create(logging => logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
        }));
        try
        {
            await using var broker = await EmbeddedBroker.StartAsync(options, logs, cancellationToken);
            foreach (var topic in topics.Where(topic => !broker.HasTopic(topic.Name)))
                broker.CreateTopic(topic.Name, topic.Partitions, topic.Settings);
            await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ExitCodes.Fine;
        }
        // One line for what a person can put right: a taken port, a directory in use, a damaged file, a topic that cannot be.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
        {
            throw new ToolException(e.Message, e);
        }
    }
}
