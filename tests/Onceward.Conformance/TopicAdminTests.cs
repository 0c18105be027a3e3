using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class TopicAdminTests
{
    [Fact]
    public async Task A_new_topic_has_an_id_a_leader_and_its_partitions()
    {
        await using var topic = await Topic.CreateAsync(3);
        var described = await topic.MetadataAsync(topic.Name, 12);
        described.Error.ShouldBe(Code.None);
        described.Id("topicId").ShouldNotBe(Guid.Empty);
        described.Flag("isInternal").ShouldBeFalse();
        described.List("partitions").Select(p => p.Number("partitionIndex")).Order().ShouldBe([0, 1, 2]);
        described.List("partitions").ShouldAllBe(p => p.Numbers("isrNodes").Contains(p.Number("leaderId")) && p.Numbers("replicaNodes").Count > 0);
    }

    [Fact]
    public async Task Creation_answers_what_was_created()
    {
        await using var connection = await WireConnection.OpenAsync();
        var name = Backend.Name("created");
        var reply = (await connection.AskAsync(Api.CreateTopics, 7, Create(name, partitions: 2, configs: ("retention.ms", "12345")))).Only("topics");
        (reply.Error, reply.Number("numPartitions"), reply.Number("replicationFactor")).ShouldBe((Code.None, 2, 1));
        reply.Id("topicId").ShouldNotBe(Guid.Empty);
        var retention = reply.List("configs").Single(c => c.Text("name") == "retention.ms");
        (retention.Text("value"), retention.Number("configSource"), retention.Flag("readOnly")).ShouldBe(("12345", 1, false));
        reply.List("configs").ShouldContain(c => c.Text("name") == "compression.type" && c.Text("value") == "producer" && c.Number("configSource") == 5);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("with blank")]
    [InlineData("slash/ed")]
    [InlineData("ünïcode")]
    [InlineData("x{249}")]
    public async Task A_name_outside_the_rules_is_refused(string name) =>
        (await CreateAsync(Create(name.Replace("x{249}", new string('x', 250), StringComparison.Ordinal)))).Error.ShouldBe(Code.InvalidTopic);

    [Fact]
    public async Task The_longest_name_is_fine()
    {
        var name = Backend.Name("long").PadRight(249, 'x');
        (await CreateAsync(Create(name))).Error.ShouldBe(Code.None);
    }

    [Fact]
    public async Task Names_that_differ_only_in_dot_and_underscore_collide()
    {
        var name = Backend.Name("dot");
        (await CreateAsync(Create(name + ".a"))).Error.ShouldBe(Code.None);
        (await CreateAsync(Create(name + "_a"))).Error.ShouldBe(Code.InvalidTopic);
    }

    [Fact]
    public async Task A_topic_is_created_once()
    {
        await using var topic = await Topic.CreateAsync();
        (await CreateAsync(Create(topic.Name))).Error.ShouldBe(Code.TopicAlreadyExists);
    }

    [Fact]
    public async Task A_name_twice_in_one_request_is_refused()
    {
        await using var connection = await WireConnection.OpenAsync();
        var name = Backend.Name("twice");
        var reply = await connection.AskAsync(Api.CreateTopics, 4, new { topics = new[] { new { name }, new { name } } });
        reply.Only("topics").Error.ShouldBe(Code.InvalidRequest);
    }

    [Theory]
    [InlineData(0, 1, Code.InvalidPartitions)]
    [InlineData(-2, 1, Code.InvalidPartitions)]
    [InlineData(1, 0, Code.InvalidReplicationFactor)]
    [InlineData(1, 99, Code.InvalidReplicationFactor)]
    [InlineData(-1, -1, Code.None)]
    internal async Task Counts_are_checked_and_minus_one_means_the_default(int partitions, int copies, Code code) =>
        (await CreateAsync(Create(Backend.Name("counts"), partitions, copies))).Error.ShouldBe(code);

    [Theory]
    [InlineData("no.such.config", "1")]
    [InlineData("retention.ms", "soon")]
    [InlineData("cleanup.policy", "shred")]
    [InlineData("max.message.bytes", "-1")]
    [InlineData("segment.bytes", "1")]
    public async Task A_setting_that_makes_no_sense_is_refused(string config, string value) =>
        (await CreateAsync(Create(Backend.Name("config"), configs: (config, value)))).Error.ShouldBe(Code.InvalidConfig);

    [Fact]
    public async Task An_assignment_takes_the_place_of_counts_and_is_checked()
    {
        await using var connection = await WireConnection.OpenAsync();
        var broker = (await connection.AskAsync(Api.Metadata, 7, new { topics = Array.Empty<object>() })).List("brokers")[0].Number("nodeId");
        object Assigned(string name, int partitions, params (int Index, long Broker)[] assignments) => new
        {
            topics = new[]
            {
                new { name, numPartitions = partitions, replicationFactor = -1, assignments = assignments.Select(a => new { partitionIndex = a.Index, brokerIds = new[] { a.Broker } }).ToArray() },
            },
        };
        async Task<Code> Ask(object request) => (await connection.AskAsync(Api.CreateTopics, 4, request)).Only("topics").Error;
        (await Ask(Assigned(Backend.Name("assigned"), -1, (0, broker), (1, broker)))).ShouldBe(Code.None);
        (await Ask(Assigned(Backend.Name("assigned"), -1, (0, 4711)))).ShouldBe(Code.InvalidReplicaAssignment);
        (await Ask(Assigned(Backend.Name("assigned"), -1, (0, broker), (2, broker)))).ShouldBe(Code.InvalidReplicaAssignment);
        (await Ask(Assigned(Backend.Name("assigned"), 3, (0, broker)))).ShouldBe(Code.InvalidRequest);
    }

    [Fact]
    public async Task To_validate_only_creates_nothing()
    {
        await using var connection = await WireConnection.OpenAsync();
        var name = Backend.Name("validated");
        var reply = await connection.AskAsync(Api.CreateTopics, 4, new { topics = new[] { new { name } }, validateOnly = true });
        reply.Only("topics").Error.ShouldBe(Code.None);
        var metadata = await connection.AskAsync(Api.Metadata, 7, new { topics = new[] { new { name } } });
        metadata.Only("topics").Error.ShouldBe(Code.UnknownTopicOrPartition);
    }

    [Fact]
    public async Task A_deleted_topic_is_gone_and_its_name_may_come_back_with_another_id()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a");
        var id = await topic.IdAsync();
        (await DeleteAsync(topic.Connection, topic.Name)).ShouldBe(Code.None);
        await Eventually.HoldsAsync("it is gone", async () => (await topic.MetadataAsync(topic.Name)).Error == Code.UnknownTopicOrPartition);
        await Eventually.HoldsAsync("writes fail", async () => (await topic.ProduceAsync(new Batch { Values = ["b"] })).Error == Code.UnknownTopicOrPartition);
        await Eventually.HoldsAsync("its name is free", async () => (await topic.Connection.AskAsync(Api.CreateTopics, 4, Create(topic.Name))).Only("topics").Error == Code.None);
        await topic.HasLeadersAsync(1);
        (await topic.IdAsync()).ShouldNotBe(id);
        (await topic.EndAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Deleting_by_name_or_id_what_is_not_there_is_an_error()
    {
        await using var topic = await Topic.CreateAsync();
        (await DeleteAsync(topic.Connection, Backend.Name("unknown"))).ShouldBe(Code.UnknownTopicOrPartition);
        object ById(Guid topicId) => new { topics = new[] { new { topicId } } };
        (await topic.Connection.AskAsync(Api.DeleteTopics, 6, ById(Guid.NewGuid()))).Only("responses").Error.ShouldBe(Code.UnknownTopicId);
        var deleted = (await topic.Connection.AskAsync(Api.DeleteTopics, 6, ById(await topic.IdAsync()))).Only("responses");
        (deleted.Error, deleted.Text("name")).ShouldBe((Code.None, topic.Name));
    }

    [Fact]
    public async Task Partitions_only_grow()
    {
        await using var topic = await Topic.CreateAsync(2);
        await topic.WriteAsync("kept");
        (await GrowAsync(topic, topic.Name, 2)).ShouldBe(Code.InvalidPartitions);
        (await GrowAsync(topic, topic.Name, 1)).ShouldBe(Code.InvalidPartitions);
        (await GrowAsync(topic, Backend.Name("unknown"), 5)).ShouldBe(Code.UnknownTopicOrPartition);
        (await GrowAsync(topic, topic.Name, 4, validateOnly: true)).ShouldBe(Code.None);
        (await topic.MetadataAsync(topic.Name)).List("partitions").Count.ShouldBe(2);
        (await GrowAsync(topic, topic.Name, 4)).ShouldBe(Code.None);
        await topic.HasLeadersAsync(4);
        (await topic.ProduceAsync(new Batch { Values = ["new"] }, partition: 3)).Number("baseOffset").ShouldBe(0);
        (await topic.EndAsync()).ShouldBe(1);
    }

    private static object Create(string name, int partitions = 1, int copies = 1, params (string Name, string Value)[] configs) => new
    {
        topics = new[] { new { name, numPartitions = partitions, replicationFactor = copies, configs = configs.Select(c => new { name = c.Name, value = c.Value }).ToArray() } },
    };

    private static async Task<Reply> CreateAsync(object request)
    {
        await using var connection = await WireConnection.OpenAsync();
        return (await connection.AskAsync(Api.CreateTopics, 4, request)).Only("topics");
    }

    private static async Task<Code> DeleteAsync(WireConnection connection, string name) =>
        (await connection.AskAsync(Api.DeleteTopics, 3, new { topicNames = new[] { name } })).Only("responses").Error;

    private static async Task<Code> GrowAsync(Topic topic, string name, int count, bool validateOnly = false) =>
        (await topic.Connection.AskAsync(Api.CreatePartitions, 1, new { topics = new[] { new { name, count } }, validateOnly })).Only("results").Error;
}
