using System.Net;
using System.Net.Sockets;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Onceward.Broker.Crash;

/// <summary>A disk that fills and file handles that run out, under load: Kafka's error, and nothing lost, twice or torn, then or after a kill.</summary>
public sealed class ScarcityTests(ITestOutputHelper output)
{
    private const long Room = 200_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_disk_that_fills_in_the_middle_of_appends_loses_nothing_and_serves_on_when_there_is_room()
    {
        using var disk = Mount.Create(mebibytes: 48);
        await using var scene = await Scene.CreateAsync(Path.Combine(disk.Path, "data"));
        scene.Gate.Open();
        await Eventually.HoldsAsync("the load is under way", () => scene.History.Take().Attempts.Count > 5);
        disk.Fill(leave: Room);
        await Eventually.HoldsAsync("appends fail", () => scene.Broker.Output.Contains("No space left", StringComparison.Ordinal));
        (await scene.RefusalAsync()).ShouldBe(ErrorCode.KafkaStorageError);
        (await scene.TopicRefusalAsync()).ShouldBe(ErrorCode.KafkaStorageError);
        Checker.Faults(WithMarkersOwed(scene.History.Take()), LogReader.Read(scene.Port), null, quiet: false).ShouldBeEmpty("what was acknowledged can be read meanwhile");
        disk.Free();
        var settled = await scene.SettledAsync(null);

        disk.Fill(leave: 0); // And a kill while it is full.
        await scene.Broker.KillAsync();
        disk.Free();
        await scene.StartAsync();
        await scene.SettledAsync(settled);
        output.WriteLine($"{scene.History.Take().Attempts.Count} transactions, {scene.Renewed} producers renewed");
    }

    [Fact]
    public async Task More_clients_than_file_handles_wait_and_the_others_are_served()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "limits are a shell's ulimit");
        using var directory = new TemporaryDirectory();
        await using var scene = await Scene.CreateAsync(directory.File("data"), limits: "-n 256");
        scene.Gate.Open();
        // Who is there has its connections: one that is still about to connect would wait with the crowd.
        await Eventually.HoldsAsync("the load is under way", () => scene.History.Take() is var so && so.Attempts.Count > 5
            && so.Streams.Count == 2 * Names.Partitions && so.Streams.Values.All(stream => stream.Any(offset => offset >= 0)));
        List<Socket> crowd = [];
        try
        {
            for (var i = 0; i < 300; i++)
            {
                crowd.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
                await crowd[^1].ConnectAsync(IPAddress.Loopback, scene.Port); // The system takes more than the broker does.
            }
            await Eventually.HoldsAsync("no more are taken", () => scene.Broker.Output.Contains("Cannot take another connection", StringComparison.Ordinal));
            var acknowledged = scene.Acknowledged;
            await Eventually.HoldsAsync("those that were there are served", () => scene.Acknowledged > acknowledged + 200);
        }
        finally
        {
            crowd.ForEach(socket => socket.Dispose());
        }
        var settled = await scene.SettledAsync(null); // Its readers are new clients.
        await scene.Broker.KillAsync();
        await scene.StartAsync();
        await scene.SettledAsync(settled);
    }

    /// <summary>
    /// As on Kafka a commit is acknowledged when the decision is durable, and readers see it when its markers are: where there was room for the one and
    /// not for the others, once there is again. Until then the producer's id is busy, so it can be the last commit only.
    /// </summary>
    private static Told WithMarkersOwed(Told told)
    {
        var last = told.Attempts.Where(attempt => attempt.Fate == Fate.Committed).GroupBy(attempt => attempt.Producer).Select(of => of.MaxBy(attempt => attempt.Number)!).ToHashSet();
        return told with { Attempts = [.. told.Attempts.Select(attempt => last.Contains(attempt) ? attempt with { Fate = Fate.InDoubt } : attempt)] };
    }

    /// <summary>A broker and every kind of load on it.</summary>
    private sealed class Scene(string data, string? limits) : IAsyncDisposable
    {
        private readonly TemporaryDirectory files = new();
        private readonly List<Load> loads = [];
        private BrokerChild? broker;

        public int Port { get; } = BrokerChild.FreePort();

        public History History { get; } = new();

        public Gate Gate { get; } = new();

        public BrokerChild Broker => broker!;

        public int Acknowledged => History.Take().Streams.Sum(stream => stream.Value.Count(offset => offset >= 0));

        public int Renewed => loads.OfType<TransactionLoad>().Sum(load => load.Renewed);

        public static async Task<Scene> CreateAsync(string data, string? limits = null)
        {
            var scene = new Scene(data, limits);
            await File.WriteAllTextAsync(scene.files.File("topics"), Names.TopicsFile);
            await scene.StartAsync();
            if (limits is not null) // The client sends what a plain producer was refused again, behind what was taken meanwhile: no order to check on a full disk.
                scene.loads.Add(new StreamLoad(scene.Port, Names.Plain, scene.History, scene.Gate, 1));
            scene.loads.Add(new StreamLoad(scene.Port, Names.Idempotent, scene.History, scene.Gate, 2));
            scene.loads.Add(new OffsetLoad(scene.Port, scene.History, scene.Gate, 3));
            scene.loads.Add(new TransactionLoad(scene.Port, 0, scene.History, scene.Gate, 4));
            scene.loads.ForEach(load => load.Start());
            return scene;
        }

        public async Task StartAsync()
        {
            if (broker is not null)
                await broker.DisposeAsync();
            broker = limits is null ? BrokerChild.Start(Port, data, "--topics", files.File("topics")) : BrokerChild.StartLimited(limits, Port, data, "--topics", files.File("topics"));
            await broker.ReadyAsync();
        }

        /// <summary>What is there when all that was begun has ended; right, or the test fails.</summary>
        public async Task<Seen> SettledAsync(Seen? before)
        {
            await Gate.CloseAsync().WaitAsync(TimeSpan.FromMinutes(2));
            loads.ForEach(load => load.Settle());
            var seen = LogReader.Read(Port);
            Checker.Faults(History.Take(), seen, before, quiet: true).ShouldBeEmpty();
            Gate.Open();
            return seen;
        }

        /// <summary>What a producer is told that does not try again.</summary>
        public async Task<ErrorCode> RefusalAsync()
        {
            using var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = $"127.0.0.1:{Port}", Acks = Acks.All, MessageSendMaxRetries = 0 })
                .SetLogHandler((_, _) => { }).Build();
            var refused = await Should.ThrowAsync<ProduceException<Null, byte[]>>(async () =>
                await producer.ProduceAsync(new TopicPartition(Names.Other, 0), new Message<Null, byte[]> { Value = new byte[900_000] }).WaitAsync(Patience));
            return refused.Error.Code;
        }

        /// <summary>What an administrator is told who wants one topic more than there is room for.</summary>
        public async Task<ErrorCode> TopicRefusalAsync()
        {
            using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = $"127.0.0.1:{Port}" }).SetLogHandler((_, _) => { }).Build();
            for (var i = 0; i < 200; i++)
            {
                try
                {
                    await admin.CreateTopicsAsync([new TopicSpecification { Name = $"{new string('n', 200)}{i}", NumPartitions = 1, ReplicationFactor = 1 }]);
                }
                catch (CreateTopicsException e)
                {
                    return e.Results.Single().Error.Code;
                }
            }
            return ErrorCode.NoError;
        }

        public async ValueTask DisposeAsync()
        {
            Gate.Open();
            loads.ForEach(load => load.Dispose());
            if (broker is not null)
                await broker.DisposeAsync();
            files.Dispose();
        }
    }
}
