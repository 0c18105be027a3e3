using Confluent.Kafka;
using Npgsql;
using Onceward.Cli;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>A person moves a worker, as the tool does it.</summary>
public sealed class ResetTests
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task A_partition_that_was_stopped_goes_on_in_the_running_worker()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 40));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(40);
        scene.Input.Produce(Effects.Records(2, 80).Skip(40));
        await DeleteBelowAsync(scene, partition: 0, 30);
        await using var worker = await StartAsync(scene);
        await scene.IncidentAsync("records_lost");
        (await RunAsync(scene, "--to", "current")).Error.ShouldContain("has the offsets 30 to 40, not 20");
        var (status, output, _) = await RunAsync(scene, "--partition", "0", "--to", "earliest", "--reason", "accepted by the owner");
        status.ShouldBe(ExitCodes.Fine);
        output.ShouldContain("stopped");
        await scene.AppliedAsync(70);
        (await scene.Database.ColumnAsync<long>("""SELECT "offset" FROM effect WHERE partition = 0 AND "offset" >= 20 ORDER BY id""")).ShouldBe(Enumerable.Range(30, 10).Select(o => (long)o));
        (await scene.Database.ColumnAsync<string>("SELECT kind FROM onceward.incident WHERE resolved_by IS NULL")).ShouldBeEmpty();
        (await scene.Database.ScalarAsync<string>("SELECT from_offset || '-' || to_offset || ' ' || (detail->>'to') || ': ' || (detail->>'reason') FROM onceward.incident WHERE kind = 'offsets_reset'"))
            .ShouldBe("20-30 earliest: accepted by the owner");
    }

    [Fact]
    public async Task Set_back_under_load_records_from_there_are_applied_once_more_and_no_others()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 5000));
        await using var worker = await StartAsync(scene, batch: 50);
        await scene.AppliedAsync(1000);
        var move = (await OffsetsAsync(scene, new() { Worker = "sums", Topic = scene.Input.Name, To = ResetTarget.At(100) })).Single();
        move.To.ShouldBe(100);
        move.Again.ShouldBe(move.From!.Value - 100);
        await Eventually.HoldsAsync("the end is reached", async () => await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset") == 5000);
        var twice = await scene.Database.ColumnAsync<long>("""SELECT "offset" FROM effect GROUP BY "offset" HAVING count(*) = 2 ORDER BY 1""");
        twice.ShouldBe(Enumerable.Range(100, (int)move.Again).Select(o => (long)o), "what was applied before the reset, and nothing that was under way");
        (await scene.Database.ScalarAsync<long>("""SELECT count(*) FROM (SELECT FROM effect GROUP BY "offset" HAVING count(*) > 2) x""")).ShouldBe(0);
        (await scene.Database.ScalarAsync<long>("""SELECT count(DISTINCT "offset") FROM effect""")).ShouldBe(5000);
    }

    [Fact]
    public async Task An_idle_worker_is_set_back_too_and_a_dry_run_changes_nothing()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 20));
        await using var worker = await StartAsync(scene);
        await scene.AppliedAsync(20);
        var before = await scene.Database.ColumnAsync<string>("SELECT o::text FROM onceward.consumer_offset o ORDER BY partition");
        (await RunAsync(scene, "--to", "earliest", "--dry-run")).Output.ShouldContain("would be set");
        (await scene.Database.ColumnAsync<string>("SELECT o::text FROM onceward.consumer_offset o ORDER BY partition")).ShouldBe(before);
        (await RunAsync(scene, "--to", "earliest", "--partition", "1")).Status.ShouldBe(ExitCodes.Fine);
        await scene.AppliedAsync(30);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition = 1")).ShouldBe(20);
    }

    [Fact]
    public async Task What_is_parked_behind_the_new_offset_is_read_again_and_applied_once()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        await using var worker = await scene.StartAsync(w => w.From(scene.Input.Name).Handle<Deposit, BlockedDepositHandler>()
            .Retry(r => r.Attempts(1000).Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(50))).Configure(o => o.CheckInterval = s_look));
        BlockedDepositHandler.IsBlocked = true;
        scene.Input.Produce(Effects.Records(1, 100));
        await scene.AppliedAsync(90); // The key 0-3 waits.
        await Eventually.HoldsAsync("ten are parked", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.parked_record") == 10);
        var move = (await OffsetsAsync(scene, new() { Worker = "sums", Topic = scene.Input.Name, To = ResetTarget.At(50) })).Single();
        move.Unparked.ShouldBe(5);
        BlockedDepositHandler.IsBlocked = false;
        await scene.AppliedAsync(90 + 10 + 45);
        await Eventually.HoldsAsync("nothing is parked", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.parked_key") == 0);
        (await scene.Database.ColumnAsync<int>("SELECT sequence FROM effect WHERE account = '0-3' ORDER BY id")).ShouldBe(Enumerable.Range(0, 10), "each once, in order");
    }

    [Fact]
    public async Task A_key_that_waits_for_a_person_is_free_when_its_records_are_read_again()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        BlockedDepositHandler.IsBlocked = true;
        scene.Input.Produce(Effects.Records(1, 20));
        await using var worker = await scene.StartAsync(w => w.From(scene.Input.Name).Handle<Deposit, BlockedDepositHandler>()
            .Retry(r => r.Attempts(1).HoldKey()).Configure(o => o.CheckInterval = s_look));
        await scene.AppliedAsync(18);
        await scene.IncidentAsync("key_held");
        BlockedDepositHandler.IsBlocked = false;
        (await RunAsync(scene, "--to", "10")).Status.ShouldBe(ExitCodes.Fine);
        await scene.AppliedAsync(18 + 9);
        (await scene.Database.ColumnAsync<string>("SELECT kind FROM onceward.incident WHERE resolved_by IS NULL")).ShouldBe(["key_held"], "its head, at 3, still waits");
        (await RunAsync(scene, "--to", "0")).Status.ShouldBe(ExitCodes.Fine);
        await scene.AppliedAsync(18 + 9 + 20);
        (await scene.Database.ColumnAsync<string>("SELECT kind FROM onceward.incident WHERE resolved_by IS NULL")).ShouldBeEmpty();
        (await scene.Database.ColumnAsync<int>("SELECT sequence FROM effect WHERE account = '0-3' ORDER BY id")).ShouldBe([0, 1], "never before, once now");
    }

    [Fact]
    public async Task A_topic_that_was_created_again_is_begun_anew_only_when_that_is_asked_for()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using var worker = await StartAsync(scene);
        await scene.AppliedAsync(10);
        await scene.RecreateInputAsync(partitions: 2);
        await scene.IncidentAsync("topic_recreated");
        scene.Input.Produce(Effects.Records(2, 40).Select(r => (r.Partition, "n" + r.Key, r.Value)));
        (await RunAsync(scene, "--to", "earliest")).Error.ShouldContain("--new-topic");
        (await RunAsync(scene, "--to", "5", "--new-topic")).Error.ShouldContain("all partitions begin anew");
        (await RunAsync(scene, "--to", "earliest", "--new-topic")).Status.ShouldBe(ExitCodes.Fine);
        await scene.AppliedAsync(50);
        await Eventually.HoldsAsync("both partitions are read", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.consumer_offset WHERE state = 'running' AND next_offset = 20") == 2);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(50);
        await scene.PublishedAsync(50);
        (await scene.Database.ColumnAsync<string>("SELECT kind FROM onceward.incident WHERE resolved_by IS NULL")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_worker_moves_to_another_cluster_when_that_is_asked_for()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 20));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(20);
        await scene.Database.ExecuteAsync("UPDATE onceward.subscription SET cluster_id = 'another'"); // As if all that had been read there.
        (await RunAsync(scene, "--to", "latest")).Error.ShouldContain("--new-cluster");
        (await RunAsync(scene, "--to", "latest", "--new-cluster")).Status.ShouldBe(ExitCodes.Fine);
        scene.Input.Produce(Effects.Records(2, 30).Skip(20));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(30);
        await Effects.ShouldBeExactAsync(scene.Database, 30);
        (await scene.Database.ColumnAsync<bool>("SELECT retired_at IS NOT NULL FROM onceward.subscription ORDER BY id")).ShouldBe([true, false]);
    }

    [Fact]
    public async Task Parked_keys_of_a_topic_that_is_gone_must_be_dealt_with_first()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        BlockedDepositHandler.IsBlocked = true;
        await using (await scene.StartAsync(w => w.From(scene.Input.Name).Handle<Deposit, BlockedDepositHandler>()))
        {
            scene.Input.Produce(Effects.Records(1, 20));
            await scene.AppliedAsync(18);
            await Eventually.HoldsAsync("a key is parked", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.parked_key") == 1);
        }
        await scene.RecreateInputAsync(partitions: 1);
        (await RunAsync(scene, "--to", "earliest", "--new-topic")).Error.ShouldContain("1 keys of the old topic are parked");
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.subscription")).ShouldBe(1, "nothing was changed");
        (await scene.Database.ScalarAsync<string>("SELECT state FROM onceward.consumer_offset")).ShouldBe("running");
    }

    [Fact]
    public async Task A_group_s_offsets_are_adopted_once_it_has_no_members()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 40));
        await using var worker = await StartAsync(scene);
        await scene.AppliedAsync(40);
        var group = $"old-{Guid.NewGuid():N}";
        using (var old = Consumer(group))
        {
            old.Subscribe(scene.Input.Name);
            await Eventually.HoldsAsync("the old group has members", () => old.Consume(TimeSpan.FromMilliseconds(100)) is not null);
            old.Commit([new TopicPartitionOffset(scene.Input.Name, 0, 5)]);
            (await AdoptAsync(scene, group)).Error.ShouldContain("Stop them");
            old.Close();
        }
        (await AdoptAsync(scene, "nobody-" + group)).Error.ShouldContain("has committed nothing");
        (await AdoptAsync(scene, group)).Status.ShouldBe(ExitCodes.Fine);
        await scene.AppliedAsync(55);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition = 0")).ShouldBe(35);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident WHERE kind = 'group_adopted' AND partition = 0")).ShouldBe(1);
    }

    [Fact]
    public async Task A_worker_that_adopts_a_group_begins_where_the_group_stood()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 40));
        var group = $"old-{Guid.NewGuid():N}";
        using (var old = Consumer(group))
        {
            old.Commit([new TopicPartitionOffset(scene.Input.Name, 0, 5)]);
            old.Close();
        }
        await using var worker = await scene.StartAsync(w => scene.Sums(w).AdoptGroup(group));
        await scene.AppliedAsync(35);
        await Eventually.HoldsAsync("all is read", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.consumer_offset WHERE next_offset = 20") == 2);
        (await scene.Database.ScalarAsync<long>("""SELECT min("offset") FROM effect WHERE partition = 0""")).ShouldBe(5);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(35, "a partition without a commit begins at its first record");
    }

    [Theory]
    [InlineData("--worker nobody --to earliest", "has not read topic")]
    [InlineData("--worker sums --to 41", "has the offsets 0 to 10, not 41")]
    [InlineData("--worker sums --to earliest --partition 7", "has no offset of partition 7")]
    [InlineData("--worker sums --to yesterday", "is none of")]
    public async Task What_cannot_be_meant_is_refused_and_changes_nothing(string arguments, string says)
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        var before = await scene.Database.ColumnAsync<string>("SELECT o::text FROM onceward.consumer_offset o");
        var (status, output, error) = await ToolAsync(scene, ["reset", "--topic", scene.Input.Name, .. arguments.Split(' ')]);
        (status, output).ShouldBe((ExitCodes.Unusable, ""));
        error.ShouldContain(says);
        error.ShouldContain("Nothing was changed");
        (await scene.Database.ColumnAsync<string>("SELECT o::text FROM onceward.consumer_offset o")).ShouldBe(before);
    }

    [Fact]
    public async Task A_time_is_the_first_record_at_or_behind_it()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        await Task.Delay(20, TestContext.Current.CancellationToken); // Timestamps are whole milliseconds.
        var between = DateTimeOffset.UtcNow;
        scene.Input.Produce(Effects.Records(1, 15).Skip(10));
        (await RunAsync(scene, "--to", $"{between:O}")).Status.ShouldBe(ExitCodes.Fine);
        (await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset")).ShouldBe(10);
        (await RunAsync(scene, "--to", $"{between.AddHours(1):O}")).Status.ShouldBe(ExitCodes.Fine);
        (await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset")).ShouldBe(15);
    }

    private static Task<TestWorker> StartAsync(Scene scene, int batch = 500) => scene.StartAsync(w => scene.Sums(w).Configure(o =>
    {
        o.CheckInterval = s_look;
        o.Lanes.MaxRecords = batch;
    }));

    private static async Task<IReadOnlyList<MovedOffset>> OffsetsAsync(Scene scene, OffsetReset reset)
    {
        await using var database = NpgsqlDataSource.Create(scene.Database.ConnectionString);
        using var offsets = new WorkerOffsets(database, Microsoft.Extensions.Options.Options.Create(new OncewardOptions { BootstrapServers = TestServers.Kafka }));
        return await offsets.ResetAsync(reset, new Intervention("test"));
    }

    private static Task<(int Status, string Output, string Error)> RunAsync(Scene scene, params string[] arguments) =>
        ToolAsync(scene, ["reset", "--worker", "sums", "--topic", scene.Input.Name, .. arguments]);

    private static Task<(int Status, string Output, string Error)> AdoptAsync(Scene scene, string group) =>
        ToolAsync(scene, ["adopt", "--worker", "sums", "--topic", scene.Input.Name, "--group", group]);

    private static async Task<(int Status, string Output, string Error)> ToolAsync(Scene scene, string[] arguments)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var status = await Tool.RunAsync(["offsets", .. arguments, "--postgres", scene.Database.ConnectionString, "--kafka", TestServers.Kafka], output, error);
        return (status, output.ToString(), error.ToString());
    }

    private static IConsumer<Ignore, Ignore> Consumer(string group) => new ConsumerBuilder<Ignore, Ignore>(
        new ConsumerConfig { BootstrapServers = TestServers.Kafka, GroupId = group, EnableAutoCommit = false, AutoOffsetReset = AutoOffsetReset.Earliest }).Build();

    private static async Task DeleteBelowAsync(Scene scene, int partition, long offset)
    {
        using var admin = TestTopic.Admin();
        await admin.DeleteRecordsAsync([new TopicPartitionOffset(scene.Input.Name, partition, offset)]);
    }

    /// <summary>Fails on one key for as long as the test wants it.</summary>
    private sealed class BlockedDepositHandler : IHandler<Deposit>
    {
        private readonly DepositHandler _inner = new();

        public static volatile bool IsBlocked;

        public ValueTask HandleAsync(Deposit message, RecordContext context, CancellationToken cancellationToken) => IsBlocked && message.Account == "0-3"
            ? throw new InvalidOperationException("blocked by the test")
            : _inner.HandleAsync(message, context, cancellationToken);
    }
}
