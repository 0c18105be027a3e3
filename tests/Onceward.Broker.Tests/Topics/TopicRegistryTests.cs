using Microsoft.Extensions.Logging.Abstractions;
using Onceward.Broker.Protocol;
using Onceward.Broker.Storage;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Tests.Topics;

/// <summary>What topics may be asked for, and what a restart finds.</summary>
public sealed class TopicRegistryTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> NoSettings = [];

    private readonly TemporaryDirectory directory = new();
    private readonly BrokerOptions options = new() { DefaultPartitions = 3 };
    private readonly LogManager logs;
    private MetadataJournal journal;
    private TopicRegistry topics;

    public TopicRegistryTests()
    {
        logs = new LogManager(options, NullLoggerFactory.Instance);
        (journal, topics) = Open();
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        journal.Dispose();
        await logs.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public void A_topic_is_found_by_name_and_id_with_the_default_partitions()
    {
        var created = topics.Create(NewTopic.Named("a")).Topic.ShouldNotBeNull();
        created.Partitions.Select(log => log.Partition).ShouldBe([0, 1, 2]);
        topics.TryGet("a", out var byName).ShouldBeTrue();
        topics.TryGet(created.Id, out var byId).ShouldBeTrue();
        byName.ShouldBeSameAs(created);
        byId.ShouldBeSameAs(created);
    }

    [Theory]
    [InlineData("", 1, 1, ErrorCode.InvalidTopic)]
    [InlineData(".", 1, 1, ErrorCode.InvalidTopic)]
    [InlineData("..", 1, 1, ErrorCode.InvalidTopic)]
    [InlineData("a b", 1, 1, ErrorCode.InvalidTopic)]
    [InlineData("größe", 1, 1, ErrorCode.InvalidTopic)]
    [InlineData("a", 0, 1, ErrorCode.InvalidPartitions)]
    [InlineData("a", -2, 1, ErrorCode.InvalidPartitions)]
    [InlineData("a", 10_001, 1, ErrorCode.InvalidPartitions)]
    [InlineData("a", 1, 0, ErrorCode.InvalidReplicationFactor)]
    [InlineData("a", 1, 3, ErrorCode.InvalidReplicationFactor)]
    internal void Refuses_what_cannot_be(string name, int partitions, short replicas, ErrorCode error)
    {
        topics.Create(new NewTopic(name, partitions, replicas, NoSettings)).Error.ShouldBe(error);
        topics.All.ShouldBeEmpty();
    }

    [Fact]
    public void A_name_has_at_most_249_characters()
    {
        topics.Create(NewTopic.Named(new string('a', 249))).Error.ShouldBe(ErrorCode.None);
        topics.Create(NewTopic.Named(new string('a', 250))).Error.ShouldBe(ErrorCode.InvalidTopic);
    }

    [Fact]
    public void Refuses_a_name_that_is_there_and_one_that_differs_only_in_dots()
    {
        topics.Create(NewTopic.Named("a.b"));
        topics.Create(NewTopic.Named("a.b")).Error.ShouldBe(ErrorCode.TopicAlreadyExists);
        topics.Create(NewTopic.Named("a_b")).Error.ShouldBe(ErrorCode.InvalidTopic);
    }

    [Fact]
    public void One_node_stands_in_for_three_only_where_that_is_asked_for()
    {
        options.LenientReplication = true;
        topics.Create(new NewTopic("a", 1, 3, NoSettings)).Error.ShouldBe(ErrorCode.None);
    }

    [Fact]
    public void A_dry_run_changes_nothing()
    {
        topics.Create(NewTopic.Named("a"), validateOnly: true).Error.ShouldBe(ErrorCode.None);
        topics.All.ShouldBeEmpty();
    }

    [Fact]
    public void Partitions_are_only_added()
    {
        var topic = topics.Create(NewTopic.Named("a")).Topic!;
        topics.AddPartitions(topic, 3, validateOnly: false).Error.ShouldBe(ErrorCode.InvalidPartitions);
        topics.AddPartitions(topic, 2, validateOnly: false).Error.ShouldBe(ErrorCode.InvalidPartitions);
        topics.AddPartitions(topic, 5, validateOnly: true).Error.ShouldBe(ErrorCode.None);
        topic.Partitions.Length.ShouldBe(3);
        topics.AddPartitions(topic, 5, validateOnly: false).Error.ShouldBe(ErrorCode.None);
        topic.Partitions.Length.ShouldBe(5);
    }

    [Fact]
    public void The_same_name_again_is_another_topic()
    {
        var first = topics.Create(NewTopic.Named("a")).Topic!;
        var told = new List<Topic>();
        topics.WhenDeleted(told.Add);
        topics.Delete(first).Error.ShouldBe(ErrorCode.None);
        told.ShouldBe([first]);
        topics.Delete(first).Error.ShouldBe(ErrorCode.UnknownTopicOrPartition);
        var second = topics.Create(NewTopic.Named("a")).Topic!;
        second.Id.ShouldNotBe(first.Id);
        topics.TryGet(first.Id, out _).ShouldBeFalse();
    }

    [Fact]
    public void A_restart_finds_topics_partitions_and_settings_with_their_ids()
    {
        var kept = topics.Create(new NewTopic("kept", 2, 1, new Dictionary<string, string> { ["retention.ms"] = "7" })).Topic!;
        topics.AddPartitions(kept, 4, validateOnly: false);
        topics.ReplaceSettings(kept, new Dictionary<string, string> { ["retention.ms"] = "9" }, validateOnly: false);
        topics.Delete(topics.Create(NewTopic.Named("gone")).Topic!);
        topics.GetOrCreateInternal("__state", 1);

        Reopen();
        topics.All.Select(topic => topic.Name).Order().ShouldBe(["__state", "kept"]);
        topics.TryGet("kept", out var found).ShouldBeTrue();
        found!.Id.ShouldBe(kept.Id);
        found.Partitions.Length.ShouldBe(4);
        found.Settings.RetentionMs.ShouldBe(9);
        topics.TryGet("__state", out var state).ShouldBeTrue();
        state!.IsInternal.ShouldBeTrue();

        journal.Rewrite(topics.Live());
        Reopen();
        topics.All.Select(topic => (topic.Name, topic.Id, topic.Partitions.Length)).Order().ShouldBe([("__state", state.Id, 1), ("kept", kept.Id, 4)]);
    }

    private void Reopen()
    {
        journal.Dispose();
        (journal, topics) = Open();
    }

    private (MetadataJournal, TopicRegistry) Open()
    {
        var opened = new MetadataJournal(MetadataLog.Open(directory.File("metadata.log"), out var records));
        var registry = new TopicRegistry(options, logs, opened);
        registry.Replay(records);
        return (opened, registry);
    }
}
