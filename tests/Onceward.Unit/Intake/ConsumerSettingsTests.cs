using Confluent.Kafka;
using Onceward.Intake;

namespace Onceward.Unit.Intake;

public sealed class ConsumerSettingsTests
{
    private readonly OncewardOptions _shared = new() { BootstrapServers = "broker:9092", Application = "shop" };
    private readonly WorkerOptions _options = new();

    [Theory]
    [InlineData("group.id")]
    [InlineData("enable.auto.commit")]
    [InlineData("enable.auto.offset.store")]
    [InlineData("auto.offset.reset")]
    [InlineData("isolation.level")]
    [InlineData("enable.partition.eof")]
    [InlineData("check.crcs")]
    [InlineData("allow.auto.create.topics")]
    [InlineData("partition.assignment.strategy")]
    [InlineData("group.protocol")]
    [InlineData("group.instance.id")]
    public void A_setting_that_the_guarantee_rests_on_is_refused_for_a_worker(string name)
    {
        _options.Consumer[name] = "x";
        var error = Should.Throw<OncewardException>(() => ConsumerSettings.Build(_shared, "sums", _options));
        error.ErrorCode.ShouldBe(ErrorCodes.Configuration);
        error.Message.ShouldContain(name);
        error.Message.ShouldContain("sums");
    }

    [Fact]
    public void The_shared_client_settings_cannot_weaken_it_either()
    {
        _shared.Client["isolation.level"] = "read_uncommitted";
        _shared.Client["auto.offset.reset"] = "earliest";
        _shared.Client["enable.auto.offset.store"] = "true";
        var config = ConsumerSettings.Build(_shared, "sums", _options);
        config.IsolationLevel.ShouldBe(IsolationLevel.ReadCommitted);
        config.AutoOffsetReset.ShouldBe(AutoOffsetReset.Error);
        config.EnableAutoOffsetStore.ShouldBe(false);
    }

    [Fact]
    public void A_full_queue_of_the_client_does_not_wait_a_whole_second_as_it_would_by_default() =>
        ConsumerSettings.Build(_shared, "sums", _options).FetchQueueBackoffMs.ShouldNotBeNull().ShouldBeLessThanOrEqualTo(50);

    [Fact]
    public void With_the_consumer_protocol_what_is_the_brokers_is_not_sent()
    {
        _shared.Client["session.timeout.ms"] = "7000";
        _shared.Client["partition.assignment.strategy"] = "range";
        _options.GroupProtocol = GroupProtocol.Consumer;
        var config = ConsumerSettings.Build(_shared, "sums", _options);
        config.GroupProtocol.ShouldBe(GroupProtocol.Consumer);
        (config.SessionTimeoutMs, config.HeartbeatIntervalMs, config.PartitionAssignmentStrategy).ShouldBe((null, null, null));
        // The client itself is the judge of what does not go together.
        using (new ConsumerBuilder<byte[], byte[]>(config).Build())
            _options.Consumer["session.timeout.ms"] = "7000";
        Should.Throw<OncewardException>(() => ConsumerSettings.Build(_shared, "sums", _options)).Message.ShouldContain("session.timeout.ms");
    }

    [Fact]
    public void The_classic_protocol_is_the_default_and_an_instance_has_a_name_only_where_it_was_given_one()
    {
        var config = ConsumerSettings.Build(_shared, "sums", _options);
        (config.GroupProtocol, config.PartitionAssignmentStrategy, config.SessionTimeoutMs, config.GroupInstanceId)
            .ShouldBe((GroupProtocol.Classic, PartitionAssignmentStrategy.CooperativeSticky, 10_000, null));
        _options.InstanceName = "sums-0";
        ConsumerSettings.Build(_shared, "sums", _options).GroupInstanceId.ShouldBe("sums-0");
    }

    [Fact]
    public void All_refused_settings_are_named_at_once()
    {
        _options.Consumer["group.id"] = "x";
        _options.Consumer["check.crcs"] = "false";
        var error = Should.Throw<OncewardException>(() => ConsumerSettings.Build(_shared, "sums", _options));
        error.Message.ShouldContain("group.id");
        error.Message.ShouldContain("check.crcs");
    }

    [Fact]
    public void Other_settings_of_a_worker_go_to_its_consumer_over_ours_and_over_the_shared_ones()
    {
        _shared.Client["client.rack"] = "a";
        _shared.Client["security.protocol"] = "ssl";
        _options.Consumer["client.rack"] = "b";
        _options.Consumer["fetch.wait.max.ms"] = "7";
        var config = ConsumerSettings.Build(_shared, "sums", _options);
        config.ClientRack.ShouldBe("b");
        config.SecurityProtocol.ShouldBe(SecurityProtocol.Ssl);
        config.FetchWaitMaxMs.ShouldBe(7);
        _shared.Client.Count.ShouldBe(2, "the shared settings stay as they were");
    }

    [Fact]
    public void The_group_is_named_by_prefix_and_worker_and_the_prefix_is_the_application_by_default()
    {
        ConsumerSettings.Build(_shared, "sums", _options).GroupId.ShouldBe("shop.sums");
        _shared.GroupIdPrefix = "eu";
        ConsumerSettings.Build(_shared, "sums", _options).GroupId.ShouldBe("eu.sums");
    }
}
