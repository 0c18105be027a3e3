using System.Net;
using System.Net.Sockets;

namespace Onceward.Broker.Tests;

/// <summary>Starting, stopping, and what a start refuses in one line.</summary>
public sealed class EmbeddedBrokerTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory directory = new();

    private BrokerOptions OnDisk => new() { DataDirectory = directory.File("data") };

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task It_answers_on_a_free_port_of_the_loopback_address()
    {
        await using var broker = await EmbeddedBroker.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        broker.BootstrapServers.ShouldStartWith("127.0.0.1:");
        (await AnswersAsync(broker)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_restart_keeps_port_cluster_and_topics()
    {
        await using var broker = await EmbeddedBroker.StartAsync(OnDisk, cancellationToken: TestContext.Current.CancellationToken);
        var (servers, cluster) = (broker.BootstrapServers, broker.ClusterId);
        broker.CreateTopic("kept", 3);
        await broker.RestartAsync(TestContext.Current.CancellationToken);
        (broker.BootstrapServers, broker.ClusterId).ShouldBe((servers, cluster));
        broker.HasTopic("kept").ShouldBeTrue();
        (await AnswersAsync(broker)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_stopped_broker_answers_nobody_and_says_so_of_itself()
    {
        await using var broker = await EmbeddedBroker.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        await broker.StopAsync();
        (await AnswersAsync(broker)).ShouldBeFalse();
        Should.Throw<InvalidOperationException>(() => broker.CreateTopic("a")).Message.ShouldContain("stopped");
    }

    [Fact]
    public async Task A_taken_port_is_one_clear_line()
    {
        await using var first = await EmbeddedBroker.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        var port = int.Parse(first.BootstrapServers.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
        var error = await Should.ThrowAsync<IOException>(async () => await EmbeddedBroker.StartAsync(new BrokerOptions { Port = port }));
        error.Message.ShouldContain($"127.0.0.1:{port}");
        error.Message.ShouldNotContain("\n");
    }

    [Fact]
    public async Task Clients_are_told_the_advertised_port()
    {
        const int Advertised = 20001;
        await using var broker = await EmbeddedBroker.StartAsync(new BrokerOptions { AdvertisedPort = Advertised }, cancellationToken: TestContext.Current.CancellationToken);
        broker.BootstrapServers.ShouldNotEndWith($":{Advertised}");
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(broker.BootstrapServers), TestContext.Current.CancellationToken);
        // Metadata of version 1 for no topic: correlation id, number of brokers, then id, host and port of each.
        await socket.SendAsync(new byte[] { 0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0 }, TestContext.Current.CancellationToken);
        var answer = new byte[4 + 4 + 4 + 4 + 2 + "127.0.0.1".Length + 4];
        await using var stream = new NetworkStream(socket);
        await stream.ReadExactlyAsync(answer, TestContext.Current.CancellationToken);
        System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(answer.AsSpan()[^4..]).ShouldBe(Advertised);
    }

    [Fact]
    public async Task A_data_directory_belongs_to_one_broker()
    {
        await using var first = await EmbeddedBroker.StartAsync(OnDisk, cancellationToken: TestContext.Current.CancellationToken);
        var error = await Should.ThrowAsync<IOException>(async () => await EmbeddedBroker.StartAsync(OnDisk));
        error.Message.ShouldContain(directory.File("data"));
        (await AnswersAsync(first)).ShouldBeTrue("the first one goes on");
    }

    [Fact]
    public async Task Damaged_metadata_stops_the_start_and_frees_port_and_directory()
    {
        await using (var broker = await EmbeddedBroker.StartAsync(OnDisk, cancellationToken: TestContext.Current.CancellationToken))
        {
            broker.CreateTopic("a");
            broker.CreateTopic("b");
        }
        var file = Path.Combine(directory.File("data"), "metadata.log");
        var whole = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        var damaged = whole.ToArray();
        damaged[20] ^= 0x40;
        await File.WriteAllBytesAsync(file, damaged, TestContext.Current.CancellationToken);
        (await Should.ThrowAsync<InvalidDataException>(async () => await EmbeddedBroker.StartAsync(OnDisk))).Message.ShouldContain(file);
        await File.WriteAllBytesAsync(file, whole, TestContext.Current.CancellationToken);
        await using var again = await EmbeddedBroker.StartAsync(OnDisk, cancellationToken: TestContext.Current.CancellationToken);
        again.HasTopic("b").ShouldBeTrue();
    }

    [Fact]
    public async Task Options_that_cannot_be_are_all_named_at_once()
    {
        var options = new BrokerOptions { Port = -1, DefaultPartitions = 0, MemoryLimit = 0 };
        var error = await Should.ThrowAsync<ArgumentException>(async () => await EmbeddedBroker.StartAsync(options));
        error.Message.ShouldSatisfyAllConditions(
            text => text.ShouldContain("Port -1"), text => text.ShouldContain("DefaultPartitions 0"), text => text.ShouldContain("MemoryLimit 0"));
    }

    /// <summary>An ApiVersions request of version 0, answered without an error.</summary>
    private static async Task<bool> AnswersAsync(EmbeddedBroker broker)
    {
        using var deadline = new CancellationTokenSource(Patience);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPEndPoint.Parse(broker.BootstrapServers), deadline.Token);
        }
        catch (SocketException)
        {
            return false;
        }
        await socket.SendAsync(new byte[] { 0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0, 0 }, deadline.Token);
        var answer = new byte[10];
        await using var stream = new NetworkStream(socket);
        await stream.ReadExactlyAsync(answer, deadline.Token);
        return answer is [_, _, _, _, 0, 0, 0, 1, 0, 0];
    }
}
