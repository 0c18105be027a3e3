using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class ConfigTests
{
    private const int TopicResource = 2;
    private const int BrokerResource = 4;
    private const int Set = 0, Delete = 1, Append = 2, Subtract = 3;

    [Fact]
    public async Task A_setting_comes_with_its_source_and_its_synonyms()
    {
        await using var topic = await Topic.CreateAsync(1, ("retention.ms", "777"), ("max.message.bytes", "5000"));
        var configs = await DescribeAsync(topic, 4);
        var own = configs["retention.ms"];
        (own.Text("value"), own.Number("configSource"), own.Flag("readOnly"), own.Flag("isSensitive"), own.Number("configType")).ShouldBe(("777", 1, false, false, 5));
        Synonyms(own)[0].ShouldBe(("retention.ms", "777", 1));
        Synonyms(configs["max.message.bytes"]).ShouldBe([("max.message.bytes", "5000", 1), ("message.max.bytes", "1048588", 5)]);
        own.Text("documentation").ShouldNotBeNullOrEmpty();
        var untouched = configs["compression.type"];
        (untouched.Text("value"), untouched.Number("configSource")).ShouldBe(("producer", 5));
        Synonyms(untouched).ShouldBe([("compression.type", "producer", 5)]);
    }

    [Fact]
    public async Task Only_the_settings_that_were_asked_for_are_answered()
    {
        await using var topic = await Topic.CreateAsync();
        var reply = await topic.Connection.AskAsync(Api.DescribeConfigs, 1, new
        {
            resources = new[] { new { resourceType = TopicResource, resourceName = topic.Name, configurationKeys = new[] { "retention.ms", "no.such" } } },
        });
        var only = reply.Only("results").Only("configs");
        only.Text("name").ShouldBe("retention.ms");
        only.List("synonyms").ShouldBeEmpty();
    }

    [Fact]
    public async Task What_does_not_exist_cannot_be_described()
    {
        await using var connection = await WireConnection.OpenAsync();
        async Task<Code> Ask(int type, string name) => (await connection.AskAsync(Api.DescribeConfigs, 1, new { resources = new[] { new { resourceType = type, resourceName = name } } })).Only("results").Error;
        (await Ask(TopicResource, Backend.Name("unknown"))).ShouldBe(Code.UnknownTopicOrPartition);
        (await Ask(TopicResource, "not a name")).ShouldBe(Code.InvalidTopic);
        (await Ask(BrokerResource, "4711")).ShouldBe(Code.InvalidRequest);
        (await Ask(BrokerResource, "one")).ShouldBe(Code.InvalidRequest);
        (await Ask(99, "any")).ShouldBe(Code.InvalidRequest);
    }

    [Fact]
    public async Task A_broker_describes_its_settings()
    {
        await using var connection = await WireConnection.OpenAsync();
        var node = (await connection.AskAsync(Api.DescribeCluster, 0, new { })).List("brokers")[0].Number("brokerId");
        var reply = (await connection.AskAsync(Api.DescribeConfigs, 1, new { resources = new[] { new { resourceType = BrokerResource, resourceName = $"{node}" } } })).Only("results");
        reply.Error.ShouldBe(Code.None);
        var names = reply.List("configs").Select(c => c.Text("name")).ToArray();
        string[] expected = ["log.retention.ms", "num.partitions", "auto.create.topics.enable", "message.max.bytes", "default.replication.factor"];
        expected.Except(names).ShouldBeEmpty();
    }

    [Fact]
    public async Task Settings_change_one_by_one()
    {
        await using var topic = await Topic.CreateAsync(1, ("retention.ms", "777"), ("segment.ms", "100000"));
        (await AlterAsync(topic, (Set, "max.message.bytes", "2000"), (Delete, "retention.ms", null))).ShouldBe(Code.None);
        await Eventually.HoldsAsync("the change is seen", async () => (await DescribeAsync(topic))["max.message.bytes"].Text("value") == "2000");
        var configs = await DescribeAsync(topic);
        (configs["retention.ms"].Text("value"), configs["retention.ms"].Number("configSource")).ShouldBe(("604800000", 5));
        configs["segment.ms"].Text("value").ShouldBe("100000");
        await Eventually.HoldsAsync("it counts", async () => (await topic.ProduceAsync(new Batch { Values = [new string('x', 3000)] })).Error == Code.MessageTooLarge);
    }

    [Fact]
    public async Task Lists_are_appended_to_and_taken_from()
    {
        await using var topic = await Topic.CreateAsync();
        (await AlterAsync(topic, (Append, "cleanup.policy", "compact"))).ShouldBe(Code.None);
        await Eventually.HoldsAsync("appended", async () => (await DescribeAsync(topic))["cleanup.policy"].Text("value") == "delete,compact");
        (await AlterAsync(topic, (Subtract, "cleanup.policy", "delete"))).ShouldBe(Code.None);
        await Eventually.HoldsAsync("taken", async () => (await DescribeAsync(topic))["cleanup.policy"].Text("value") == "compact");
        (await AlterAsync(topic, (Append, "retention.ms", "5"))).ShouldBe(Code.InvalidConfig);
    }

    [Fact]
    public async Task A_bad_change_changes_nothing()
    {
        await using var topic = await Topic.CreateAsync();
        (await AlterAsync(topic, (Set, "max.message.bytes", "3000"), (Set, "retention.ms", "soon"))).ShouldBe(Code.InvalidConfig);
        (await AlterAsync(topic, (Set, "no.such.config", "1"))).ShouldBe(Code.InvalidConfig);
        (await AlterAsync(topic, (Set, "retention.ms", "5"), (Delete, "retention.ms", null))).ShouldBe(Code.InvalidRequest);
        var unknown = await topic.Connection.AskAsync(Api.IncrementalAlterConfigs, 0, Change(Backend.Name("unknown"), (Set, "retention.ms", "5")));
        unknown.Only("responses").Error.ShouldBe(Code.UnknownTopicOrPartition);
        (await DescribeAsync(topic))["max.message.bytes"].Text("value").ShouldBe("1048588");
    }

    [Fact]
    public async Task The_older_request_replaces_all_settings()
    {
        await using var topic = await Topic.CreateAsync(1, ("retention.ms", "777"));
        var reply = await topic.Connection.AskAsync(Api.AlterConfigs, 1, new
        {
            resources = new[] { new { resourceType = TopicResource, resourceName = topic.Name, configs = new[] { new { name = "segment.ms", value = "100000" } } } },
        });
        reply.Only("responses").Error.ShouldBe(Code.None);
        await Eventually.HoldsAsync("the change is seen", async () => (await DescribeAsync(topic))["segment.ms"].Text("value") == "100000");
        (await DescribeAsync(topic))["retention.ms"].Number("configSource").ShouldBe(5);
    }

    private static async Task<Dictionary<string, Reply>> DescribeAsync(Topic topic, int version = 1)
    {
        var reply = await topic.Connection.AskAsync(Api.DescribeConfigs, version, new
        {
            resources = new[] { new { resourceType = TopicResource, resourceName = topic.Name } }, includeSynonyms = true, includeDocumentation = true,
        });
        reply.Only("results").Error.ShouldBe(Code.None);
        return reply.Only("results").List("configs").ToDictionary(c => c.Text("name")!);
    }

    private static (string?, string?, long)[] Synonyms(Reply config) => [.. config.List("synonyms").Select(s => (s.Text("name"), s.Text("value"), s.Number("source")))];

    private static object Change(string topic, params (int Operation, string Name, string? Value)[] changes) => new
    {
        resources = new[]
        {
            new { resourceType = TopicResource, resourceName = topic, configs = changes.Select(c => new { name = c.Name, configOperation = c.Operation, value = c.Value }).ToArray() },
        },
    };

    private static async Task<Code> AlterAsync(Topic topic, params (int Operation, string Name, string? Value)[] changes) =>
        (await topic.Connection.AskAsync(Api.IncrementalAlterConfigs, 0, Change(topic.Name, changes))).Only("responses").Error;
}
