using System.Net;
using System.Net.Sockets;

namespace Onceward.Broker.Crash;

/// <summary>Starts that cannot be: one clear line, the exit status for it, and nothing changed.</summary>
public sealed class StartTests : IDisposable
{
    private const int Unusable = 2;

    private readonly TemporaryDirectory directory = new();
    private readonly int port = BrokerChild.FreePort();

    private string Data => directory.File("data");

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_second_process_on_the_same_directory()
    {
        await using var first = await StartedAsync();
        await using var second = BrokerChild.Start(BrokerChild.FreePort(), Data);
        await ShouldSayAsync(second, Data, "in use by another broker");
        await TakesConnectionsAsync();
    }

    [Fact]
    public async Task A_port_that_is_taken()
    {
        await using var first = await StartedAsync();
        await using var second = BrokerChild.Start(port, directory.File("other"));
        await ShouldSayAsync(second, $"127.0.0.1:{port}");
        await TakesConnectionsAsync();
    }

    [Fact]
    public async Task A_directory_that_is_free_again_once_its_process_was_killed()
    {
        await using (var first = await StartedAsync())
            await first.KillAsync();
        await using var second = await StartedAsync();
        await TakesConnectionsAsync();
    }

    [Fact]
    public async Task Metadata_that_is_damaged_is_named_and_left_as_it_is()
    {
        await File.WriteAllTextAsync(directory.File("topics"), Names.TopicsFile);
        var file = Path.Combine(Data, "metadata.log");
        await using (var first = await StartedAsync())
        {
            await Eventually.HoldsAsync("the topics are created", () => File.ReadAllText(file).Contains(Names.Other, StringComparison.Ordinal));
            await first.KillAsync();
        }
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[20] ^= 0x10;
        await File.WriteAllBytesAsync(file, bytes);
        await using var second = BrokerChild.Start(port, Data);
        await ShouldSayAsync(second, $"{file} is damaged at byte 0");
        (await File.ReadAllBytesAsync(file)).ShouldBe(bytes);
    }

    [Fact]
    public async Task A_directory_that_is_a_file()
    {
        await File.WriteAllTextAsync(Data, "not a directory");
        await using var broker = BrokerChild.Start(port, Data);
        await ShouldSayAsync(broker, Data);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    public async Task Too_few_file_handles(int limit)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the limit is read where Linux tells it");
        await using var broker = BrokerChild.StartLimited($"-n {limit}", port, Data);
        await ShouldSayAsync(broker, $"may open {limit} files", "ulimit -n");
        Directory.Exists(Data).ShouldBeFalse();
    }

    [Fact]
    public async Task A_disk_that_is_full_from_the_start()
    {
        using var disk = Mount.Create(mebibytes: 2);
        disk.Fill(leave: 0);
        var data = Path.Combine(disk.Path, "data");
        await using (var broker = BrokerChild.Start(port, data))
            await ShouldSayAsync(broker, data, "No space left");
        disk.Free();
        await using var again = BrokerChild.Start(port, data);
        await again.ReadyAsync();
    }

    private async Task<BrokerChild> StartedAsync()
    {
        var broker = BrokerChild.Start(port, Data, File.Exists(directory.File("topics")) ? ["--topics", directory.File("topics")] : []);
        await broker.ReadyAsync();
        return broker;
    }

    private async Task TakesConnectionsAsync()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
    }

    private static async Task ShouldSayAsync(BrokerChild broker, params string[] parts)
    {
        (await broker.EndAsync()).ShouldBe(Unusable, broker.Output + broker.Errors);
        var line = broker.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem();
        foreach (var part in parts)
            line.ShouldContain(part);
        broker.Output.ShouldNotContain("Broker listens");
    }
}
