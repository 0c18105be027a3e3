using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class ClusterTests
{
    [Fact]
    public async Task The_cluster_has_an_id_a_controller_and_brokers()
    {
        await using var connection = await WireConnection.OpenAsync();
        var cluster = await connection.AskAsync(Api.DescribeCluster, 0, new { });
        cluster.Error.ShouldBe(Code.None);
        cluster.Text("clusterId").ShouldNotBeNullOrEmpty();
        cluster.List("brokers").Select(b => b.Number("brokerId")).ShouldContain(cluster.Number("controllerId"));
        var metadata = await connection.AskAsync(Api.Metadata, 7, new { topics = Array.Empty<object>() });
        metadata.Text("clusterId").ShouldBe(cluster.Text("clusterId"));
        metadata.Number("controllerId").ShouldBeGreaterThanOrEqualTo(0);
        metadata.List("topics").ShouldBeEmpty();
        var port = int.Parse(Backend.Address.Split(',')[0].Split(':')[1]);
        metadata.List("brokers").ShouldContain(b => b.Number("port") == port);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(12)]
    public async Task Null_asks_for_all_topics(int version)
    {
        await using var topic = await Topic.CreateAsync();
        var reply = await topic.Connection.AskAsync(Api.Metadata, version, new { });
        reply.List("topics").Select(t => t.Text("name")).ShouldContain(topic.Name);
    }

    [Fact]
    public async Task The_first_version_knows_only_the_empty_list_for_all_topics()
    {
        await using var topic = await Topic.CreateAsync();
        var reply = await topic.Connection.AskAsync(Api.Metadata, 0, new { topics = Array.Empty<object>() });
        reply.List("topics").Select(t => t.Text("name")).ShouldContain(topic.Name);
    }

    [Fact]
    public async Task A_topic_is_found_by_its_id()
    {
        await using var topic = await Topic.CreateAsync();
        object ById(Guid topicId) => new { topics = new[] { new { topicId } } };
        var found = (await topic.Connection.AskAsync(Api.Metadata, 12, ById(await topic.IdAsync()))).Only("topics");
        (found.Error, found.Text("name")).ShouldBe((Code.None, topic.Name));
        (await topic.Connection.AskAsync(Api.Metadata, 12, ById(Guid.NewGuid()))).Only("topics").Error.ShouldBe(Code.UnknownTopicId);
    }

    [Fact]
    public async Task A_name_outside_the_rules_is_no_topic()
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.MetadataAsync("not a name")).Error.ShouldBe(Code.InvalidTopic);
    }

    [Fact]
    public async Task Asking_creates_no_topic_unless_client_and_broker_both_allow_it()
    {
        await using var connection = await WireConnection.OpenAsync();
        var node = (await connection.AskAsync(Api.DescribeCluster, 0, new { })).List("brokers")[0].Number("brokerId");
        var settings = await connection.AskAsync(Api.DescribeConfigs, 1, new
        {
            resources = new[] { new { resourceType = 4, resourceName = $"{node}", configurationKeys = new[] { "auto.create.topics.enable", "num.partitions" } } },
        });
        var values = settings.Only("results").List("configs").ToDictionary(c => c.Text("name")!, c => c.Text("value"));
        object Ask(string name, bool allow) => new { topics = new[] { new { name } }, allowAutoTopicCreation = allow };
        var name = Backend.Name("asked");
        for (var i = 0; i < 3; i++)
            (await connection.AskAsync(Api.Metadata, 7, Ask(name, allow: false))).Only("topics").Error.ShouldBe(Code.UnknownTopicOrPartition);
        if (values["auto.create.topics.enable"] == "false")
        {
            (await connection.AskAsync(Api.Metadata, 7, Ask(name, allow: true))).Only("topics").Error.ShouldBe(Code.UnknownTopicOrPartition);
            return;
        }
        await Eventually.HoldsAsync("it is created", async () => (await connection.AskAsync(Api.Metadata, 7, Ask(name, allow: true))).Only("topics").Error == Code.None);
        var created = (await connection.AskAsync(Api.Metadata, 7, Ask(name, allow: false))).Only("topics");
        $"{created.List("partitions").Count}".ShouldBe(values["num.partitions"]);
    }

    [Fact]
    public async Task Log_directories_tell_sizes()
    {
        await using var topic = await Topic.CreateAsync(2);
        await topic.WriteAsync(new string('x', 5_000));
        var reply = await topic.Connection.AskAsync(Api.DescribeLogDirs, 1, new { topics = new[] { new { topic = topic.Name, partitions = new[] { 0, 1 } } } });
        var directory = reply.List("results").ShouldHaveSingleItem();
        directory.Error.ShouldBe(Code.None);
        directory.Text("logDir").ShouldNotBeNullOrEmpty();
        var sizes = directory.Only("topics").List("partitions").ToDictionary(p => p.Number("partitionIndex"), p => p.Number("partitionSize"));
        sizes[0].ShouldBeGreaterThan(5_000);
        sizes[1].ShouldBe(0);
    }
}
