using Confluent.Kafka;
using Onceward.Broker;
using Onceward.Broker.Protocol;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>A broker that denies a position, hands out damaged bytes, or is asked for the same bytes again and again: on one of the test's own.</summary>
public sealed class DenialTests
{
    [Fact]
    public async Task A_position_that_is_denied_now_and_then_is_asked_for_again_and_no_partition_stands_still()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        await using var broker = await StartAsync(scene);
        await using var worker = await scene.StartAsync(configure: o => o.BootstrapServers = broker.BootstrapServers);
        // More often than it takes for good, but not in a row.
        for (var turn = 1; turn <= 4; turn++)
        {
            using var denial = broker.Faults.Fail(ApiKey.Fetch, Onceward.Broker.Protocol.ErrorCode.OffsetOutOfRange);
            await denial.Hit;
            Produce(broker, scene, Effects.Records(1, 100 * turn).Skip(100 * (turn - 1)));
            await scene.AppliedAsync(100 * turn);
        }
        await Effects.ShouldBeExactAsync(scene.Database, 400);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident")).ShouldBe(0);
    }

    [Fact]
    public async Task A_position_that_is_denied_for_good_stops_its_partition_with_an_incident_and_nothing_is_skipped()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        await using var broker = await StartAsync(scene);
        await using var worker = await scene.StartAsync(configure: o => o.BootstrapServers = broker.BootstrapServers);
        Produce(broker, scene, Effects.Records(1, 10));
        await scene.AppliedAsync(10);
        using (broker.Faults.Fail(ApiKey.Fetch, Onceward.Broker.Protocol.ErrorCode.OffsetOutOfRange, times: null))
            await scene.IncidentAsync("offset_out_of_range");
        Produce(broker, scene, Effects.Records(1, 20).Skip(10));
        (await scene.Database.ScalarAsync<string>("SELECT from_offset || '-' || to_offset FROM onceward.incident")).ShouldBe("10-10");
        (await scene.StoppedAsync()).ShouldBe([0]);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(10);
        await worker.StopAsync();
        // A person has looked.
        await scene.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET state = 'running'");
        await using var next = await scene.StartAsync(configure: o => o.BootstrapServers = broker.BootstrapServers);
        await scene.AppliedAsync(20);
        await Effects.ShouldBeExactAsync(scene.Database, 20);
    }

    [Fact]
    public async Task Behind_a_batch_with_a_wrong_checksum_nothing_is_read_until_it_is_whole_again()
    {
        using var data = new TemporaryDirectory();
        await using var scene = await Scene.CreateAsync(partitions: 1);
        await using var broker = await StartAsync(scene, data.Path);
        for (var batch = 0; batch < 3; batch++)
            Produce(broker, scene, Effects.Records(1, 10 * (batch + 1)).Skip(10 * batch));
        var log = Directory.GetFiles(data.Path, "*.log", SearchOption.AllDirectories).Single(f => f.Contains(scene.Input.Name, StringComparison.Ordinal));
        // The second batch has the sequence 1 of each account. Both are valid JSON.
        Replace(log, "\"account\":\"0-4\",\"sequence\":1", "\"account\":\"0-4\",\"sequence\":7");
        await using var worker = await scene.StartAsync(configure: o => o.BootstrapServers = broker.BootstrapServers);
        await Eventually.HoldsAsync("it is noticed", () => worker.HasLogged("consuming failed with Local_BadMsg; a new consumer begins"));
        (await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset")).ShouldBeLessThanOrEqualTo(10);
        (await scene.Database.ScalarAsync<long>("""SELECT count(*) FROM effect WHERE "offset" >= 10""")).ShouldBe(0);
        Replace(log, "\"account\":\"0-4\",\"sequence\":7", "\"account\":\"0-4\",\"sequence\":1");
        await scene.AppliedAsync(30);
        await Effects.ShouldBeExactAsync(scene.Database, 30);
    }

    [Fact]
    public async Task A_batch_that_stays_corrupt_stops_its_partition_with_an_incident_and_no_other()
    {
        using var data = new TemporaryDirectory();
        await using var scene = await Scene.CreateAsync(partitions: 2);
        await using var broker = await StartAsync(scene, data.Path);
        for (var batch = 0; batch < 3; batch++)
            Produce(broker, scene, Effects.Records(2, 20 * (batch + 1)).Skip(20 * batch));
        var log = Directory.GetFiles(data.Path, "*.log", SearchOption.AllDirectories).Single(f => f.Contains($"{scene.Input.Name}-1", StringComparison.Ordinal));
        Replace(log, "\"account\":\"1-4\",\"sequence\":1", "\"account\":\"1-4\",\"sequence\":7");
        await using var worker = await scene.StartAsync(configure: o => o.BootstrapServers = broker.BootstrapServers);
        await scene.IncidentAsync("batch_corrupt");
        (await scene.Database.ScalarAsync<string>("SELECT partition || ':' || from_offset || ':' || to_offset FROM onceward.incident")).ShouldBe("1:10:10", "all before it is applied");
        (await scene.StoppedAsync()).ShouldBe([1]);
        Produce(broker, scene, Effects.Records(2, 80).Skip(60));
        await Eventually.HoldsAsync("the other partition goes on", async () =>
            await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset WHERE partition = 0") == 40);
        (await scene.Database.ScalarAsync<long>("""SELECT count(*) FROM effect WHERE partition = 1 AND "offset" >= 10""")).ShouldBe(0);
        // As when another replica leads, whose batch is whole.
        Replace(log, "\"account\":\"1-4\",\"sequence\":7", "\"account\":\"1-4\",\"sequence\":1");
        await scene.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET state = 'running'");
        await scene.AppliedAsync(80);
        await Effects.ShouldBeExactAsync(scene.Database, 80);
    }

    [Fact]
    public async Task What_the_client_has_fetched_is_not_thrown_away_each_time_the_buffer_is_full()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        await using var broker = await StartAsync(scene);
        Produce(broker, scene, Effects.Records(1, 20_000));
        using var fetches = broker.Faults.Delay(ApiKey.Fetch, TimeSpan.Zero, times: null);
        await using var worker = await scene.StartAsync(
            // The buffer holds some two hundred records: it is full a hundred times.
            w => scene.Sums(w).Configure(o => (o.MaxBufferedBytes, o.Consumer["fetch.wait.max.ms"]) = (64 * 1024, "5000")), o => o.BootstrapServers = broker.BootstrapServers);
        await scene.AppliedAsync(20_000);
        await Effects.ShouldBeExactAsync(scene.Database, 20_000);
        fetches.Hits.ShouldBeLessThan(40);
    }

    [Fact]
    public async Task A_relay_that_may_not_see_how_a_topic_is_kept_takes_its_last_transaction_for_whole_and_goes_on()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        await using var broker = await StartAsync(scene);
        foreach (var count in (int[])[99, 100])
        {
            Produce(broker, scene, Effects.Records(1, count).Skip(count == 99 ? 0 : 99));
            await using var worker = await scene.StartAsync(configure: o => o.BootstrapServers = broker.BootstrapServers);
            await scene.AppliedAsync(count);
            await RelayedAsync(scene, count);
        }
        // As after a crash: of the last transaction, of one row, PostgreSQL does not know that it was published.
        await scene.Database.ExecuteAsync("UPDATE onceward.outbox_channel SET relayed_seq = 99");
        using var denied = broker.Faults.Fail(ApiKey.DescribeConfigs, Onceward.Broker.Protocol.ErrorCode.TopicAuthorizationFailed, times: null);
        await using var successor = await scene.StartAsync(configure: o => o.BootstrapServers = broker.BootstrapServers);
        Produce(broker, scene, Effects.Records(1, 110).Skip(100));
        await RelayedAsync(scene, 110);
        denied.Hits.ShouldBePositive();
    }

    private static Task RelayedAsync(Scene scene, long count) => Eventually.HoldsAsync($"{count} rows are published", async () =>
        await scene.Database.ScalarAsync<long>("SELECT coalesce(max(relayed_seq), 0) FROM onceward.outbox_channel") == count);

    private static async Task<EmbeddedBroker> StartAsync(Scene scene, string? data = null)
    {
        if (!TestServers.IsEmbedded)
            Assert.Skip("On an embedded broker of its own, and so in the run on that.");
        var broker = await EmbeddedBroker.StartAsync(new BrokerOptions { DataDirectory = data }, cancellationToken: TestContext.Current.CancellationToken);
        broker.CreateTopic(scene.Input.Name, scene.Input.Partitions);
        broker.CreateTopic(scene.Output.Name, scene.Output.Partitions);
        return broker;
    }

    private static void Produce(EmbeddedBroker broker, Scene scene, IEnumerable<(int Partition, string Key, byte[] Value)> records)
    {
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = broker.BootstrapServers, LingerMs = 20 }).Build();
        foreach (var (partition, key, value) in records)
            producer.Produce(new TopicPartition(scene.Input.Name, partition), new Message<string, byte[]> { Key = key, Value = value });
        producer.Flush(TimeSpan.FromSeconds(30)).ShouldBe(0);
    }

    /// <summary>Changes the one place in a file, as a disk would.</summary>
    private static void Replace(string file, string old, string with)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(old));
        at.ShouldBeGreaterThan(0);
        stream.Position = at;
        stream.Write(System.Text.Encoding.UTF8.GetBytes(with));
    }
}
