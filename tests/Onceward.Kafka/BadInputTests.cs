using System.Text.Json;
using Confluent.Kafka;
using Npgsql;
using Onceward.Broker;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>What a worker is given is not what it needs: it says so, and nothing is lost or applied twice.</summary>
public sealed class BadInputTests
{
    [Fact]
    public async Task A_database_that_takes_no_writes_is_waited_for_at_the_start_and_while_running()
    {
        await using var scene = await Scene.CreateAsync();
        await SetReadOnlyAsync(scene, true);
        scene.Input.Produce(Effects.Records(4, 2000));
        await using var worker = await scene.StartAsync();
        await Eventually.HoldsAsync("it says so", () => worker.HasLogged("cannot start yet") && worker.HasLogged("in a read-only transaction"));
        await SetReadOnlyAsync(scene, false);
        await scene.AppliedAsync(2000);

        // The primary is demoted: sessions end, and new ones may only read.
        await SetReadOnlyAsync(scene, true);
        scene.Input.Produce(Effects.Records(4, 4000).Skip(2000));
        await Eventually.HoldsAsync("it was refused", () => worker.HasLogged("rolled a batch back"));
        await SetReadOnlyAsync(scene, false);
        await scene.AppliedAsync(4000);
        await Effects.ShouldBeExactAsync(scene.Database, 4000);
        await scene.PublishedAsync(4000);
        (await scene.Database.ScalarAsync<long>("SELECT (SELECT count(*) FROM onceward.dead_letter) + (SELECT count(*) FROM onceward.parked_record)")).ShouldBe(0);
        worker.HasStopped.ShouldBeFalse();
    }

    [Fact]
    public async Task A_ledger_of_a_newer_version_stops_the_host_before_anything_is_read()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        await scene.Database.ExecuteAsync("INSERT INTO onceward.schema_version (version, name) VALUES (999, '999_of_the_future.sql')");
        scene.Input.Produce(Effects.Records(1, 20).Skip(10));
        await using (var older = await scene.StartAsync())
        {
            await Eventually.HoldsAsync("the host stops", () => older.HasStopped);
            await Eventually.HoldsAsync("it says why", () => older.HasLogged("The schema onceward is at version 999") && older.HasLogged("Deploy the newer one"));
        }
        (await scene.Database.ScalarAsync<string>("SELECT next_offset || '/' || epoch FROM onceward.consumer_offset")).ShouldBe("10/1");
        await scene.Database.ExecuteAsync("DELETE FROM onceward.schema_version WHERE version = 999");
        await using var worker = await scene.StartAsync();
        await scene.AppliedAsync(20);
        await Effects.ShouldBeExactAsync(scene.Database, 20);
    }

    [Fact]
    public async Task The_same_topic_of_another_cluster_stops_the_host_before_anything_is_read_unless_both_are_wanted()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        await using var other = await EmbeddedBroker.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        other.CreateTopic(scene.Input.Name);
        other.CreateTopic(scene.Output.Name, 2);
        Produce(other, scene.Input.Name, Effects.Records(1, 30));
        await using (var lost = await scene.StartAsync(configure: o => o.BootstrapServers = other.BootstrapServers))
        {
            await Eventually.HoldsAsync("the host stops", () => lost.HasStopped);
            await Eventually.HoldsAsync("it says why", () => lost.HasLogged($"the ledger holds its offsets of cluster") && lost.HasLogged(other.ClusterId) && lost.HasLogged("SeveralClusters"));
        }
        (await scene.Database.ScalarAsync<string>("SELECT next_offset || '/' || epoch FROM onceward.consumer_offset")).ShouldBe("10/1");

        await using var worker = await scene.StartAsync(
            w => scene.Sums(w).Configure(o => o.SeveralClusters = true), o => (o.BootstrapServers, o.Application) = (other.BootstrapServers, $"{o.Application}-second"));
        await scene.AppliedAsync(40);
        (await scene.Database.ColumnAsync<long>("SELECT next_offset FROM onceward.consumer_offset ORDER BY subscription_id")).ShouldBe([10, 30]);
    }

    [Theory]
    [InlineData(850_000, false)]
    [InlineData(999_000, true)] // more than MaxMessageBytes: the dead-letter topic gets the headers, the table the bytes
    public async Task A_poison_record_of_a_megabyte_is_parked_becomes_a_dead_letter_and_is_applied_when_it_is_sent_back(int bytes, bool isOmitted)
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        var letters = await TestTopic.CreateAsync("in", suffix: ".dlq");
        RepairableHandler.Begin();
        scene.Input.Produce([.. Effects.Records(1, 9), (0, "0-9", Poison(bytes))]);
        await using var worker = await scene.StartAsync(w => w.From(scene.Input.Name).Handle<Deposit, RepairableHandler>()
            .Retry(r => r.Attempts(3).Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(50))).DeadLetterTo(letters.Name));
        await Eventually.HoldsAsync("the dead letter", () => letters.ReadCommitted().Count == 1);
        RepairableHandler.Failures.ShouldBeGreaterThanOrEqualTo(3, "it was parked and tried again");
        var letter = letters.ReadCommitted().Single().Message;
        (letter.Value?.Length ?? 0).ShouldBe(isOmitted ? 0 : bytes);
        if (isOmitted)
            letter.Headers.Text("onceward-dlq-value-omitted").ShouldBe($"{bytes}");
        (await scene.Database.ScalarAsync<int>("SELECT length(value) FROM onceward.dead_letter")).ShouldBe(bytes);
        await scene.AppliedAsync(9);

        RepairableHandler.Repair();
        (await new DeadLetters(scene.Database.Source).RetryAsync(new SetAsideFilter(), new Intervention("test"), TestContext.Current.CancellationToken)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.Applies);
        await scene.AppliedAsync(10);
        await Effects.ShouldBeExactAsync(scene.Database, 10);
        await scene.PublishedAsync(10);
    }

    [Fact]
    public async Task Behind_a_transaction_that_hangs_nothing_is_read_and_when_it_ends_nothing_is_lost()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        var other = await TestTopic.CreateAsync("in", partitions: 2);
        await using var worker = await scene.StartAsync(w => scene.Sums(w).From(other.Name).HandleBatch<Deposit, DepositBatchHandler>());
        await scene.AppliedAsync(10);
        using (var hanging = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = TestServers.Kafka, TransactionalId = scene.Application }).Build())
        {
            hanging.InitTransactions(TimeSpan.FromSeconds(30));
            hanging.BeginTransaction();
            hanging.Produce(new TopicPartition(scene.Input.Name, 0), new Message<string, byte[]> { Key = "never", Value = Poison(100) });
            hanging.Flush(TimeSpan.FromSeconds(30));
            scene.Input.Produce(Effects.Records(1, 60).Skip(10));
            // What comes later to another topic is read: so it is not for want of time that this one stands still.
            other.Produce(Effects.Records(2, 10).Where(r => r.Partition == 1));
            await scene.AppliedAsync(15);
            (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition = 0")).ShouldBe(10);
            hanging.AbortTransaction(TimeSpan.FromSeconds(30));
        }
        await scene.AppliedAsync(65);
        (await scene.Database.ScalarAsync<long>("""SELECT count(DISTINCT "offset") FROM effect WHERE partition = 0""")).ShouldBe(60);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(65);
    }

    private static byte[] Poison(int bytes)
    {
        var deposit = JsonSerializer.Serialize(new Deposit("0-9", 0, 1 + (9 % 7)), JsonSerializerOptions.Web);
        var head = deposit[..^1] + ",\"padding\":\"";
        return System.Text.Encoding.UTF8.GetBytes(head + new string('x', bytes - head.Length - 2) + "\"}");
    }

    /// <summary>As when a primary is demoted: no session goes on, and those that begin may only read.</summary>
    private static async Task SetReadOnlyAsync(Scene scene, bool isReadOnly)
    {
        var name = new NpgsqlConnectionStringBuilder(scene.Database.ConnectionString).Database;
        await using var admin = NpgsqlDataSource.Create(TestServers.Postgres);
        await using var set = admin.CreateCommand($"ALTER DATABASE {name} SET default_transaction_read_only = {(isReadOnly ? "on" : "off")}");
        await set.ExecuteNonQueryAsync();
        await using var end = admin.CreateCommand($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        await end.ExecuteNonQueryAsync();
        scene.Database.Source.Clear();
    }

    private static void Produce(EmbeddedBroker broker, string topic, IEnumerable<(int Partition, string Key, byte[] Value)> records)
    {
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = broker.BootstrapServers }).Build();
        foreach (var (partition, key, value) in records)
            producer.Produce(new TopicPartition(topic, partition), new Message<string, byte[]> { Key = key, Value = value });
        producer.Flush(TimeSpan.FromSeconds(30)).ShouldBe(0);
    }

    /// <summary>Refuses the account of the poison until it is repaired.</summary>
    private sealed class RepairableHandler : IHandler<Deposit>
    {
        private static int s_failures;
        private static volatile bool s_isRepaired;

        private readonly DepositHandler _inner = new();

        public static int Failures => Volatile.Read(ref s_failures);

        public static void Begin() => (s_failures, s_isRepaired) = (0, false);

        public static void Repair() => s_isRepaired = true;

        public ValueTask HandleAsync(Deposit message, RecordContext context, CancellationToken cancellationToken)
        {
            if (message.Account != "0-9" || s_isRepaired)
                return _inner.HandleAsync(message, context, cancellationToken);
            Interlocked.Increment(ref s_failures);
            throw new InvalidOperationException("a handler that cannot take this");
        }
    }
}
