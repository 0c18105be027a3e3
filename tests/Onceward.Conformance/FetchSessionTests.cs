using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>KIP-227. A broker may grant no session (id 0), and every fetch is then a full one; what it grants has to hold.</summary>
public sealed class FetchSessionTests
{
    [Fact]
    public async Task Without_a_session_none_is_granted()
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.Connection.AskAsync(Api.Fetch, 11, topic.FetchRequest(0))).Number("sessionId").ShouldBe(0);
    }

    [Fact]
    public async Task A_session_brings_only_what_changed()
    {
        await using var topic = await Topic.CreateAsync(2);
        await topic.WriteAsync("a");
        var first = await FetchAsync(topic, 0, 0, (0, 0), (1, 0));
        var session = first.Number("sessionId");
        session.ShouldNotBe(0);
        first.Only("responses").List("partitions").Count.ShouldBe(2);
        var second = await FetchAsync(topic, session, 1, (0, 1));
        second.Error.ShouldBe(Code.None);
        second.Number("sessionId").ShouldBe(session);
        second.List("responses").ShouldBeEmpty();
        await topic.ProduceAsync(new Batch { Values = ["b"] }, partition: 1);
        var third = await FetchAsync(topic, session, 2);
        third.Partition.Number("partition").ShouldBe(1);
        Batch.Read(third.Partition.Bytes("records")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_forgotten_partition_is_not_fetched_any_more()
    {
        await using var topic = await Topic.CreateAsync(2);
        var session = (await FetchAsync(topic, 0, 0, (0, 0), (1, 0))).Number("sessionId");
        await topic.ProduceAsync(new Batch { Values = ["b"] }, partition: 1);
        var reply = await topic.Connection.AskAsync(Api.Fetch, 11, new
        {
            maxWaitMs = 0, sessionId = session, sessionEpoch = 1,
            forgottenTopics = new[] { new { topic = topic.Name, partitions = new[] { 1 } } },
        });
        reply.Error.ShouldBe(Code.None);
        reply.List("responses").ShouldBeEmpty();
    }

    [Fact]
    public async Task Another_epoch_than_the_next_is_refused()
    {
        await using var topic = await Topic.CreateAsync();
        var session = (await FetchAsync(topic, 0, 0, (0, 0))).Number("sessionId");
        var reply = await FetchAsync(topic, session, 5);
        reply.Error.ShouldBe(Code.InvalidFetchSessionEpoch);
        reply.List("responses").ShouldBeEmpty();
    }

    [Fact]
    public async Task An_unknown_session_is_refused()
    {
        await using var topic = await Topic.CreateAsync();
        (await FetchAsync(topic, 123_456_789, 1)).Error.ShouldBe(Code.FetchSessionIdNotFound);
    }

    [Fact]
    public async Task A_closed_session_is_gone()
    {
        await using var topic = await Topic.CreateAsync();
        var session = (await FetchAsync(topic, 0, 0, (0, 0))).Number("sessionId");
        (await FetchAsync(topic, session, -1, (0, 0))).Number("sessionId").ShouldBe(0);
        (await FetchAsync(topic, session, 1)).Error.ShouldBe(Code.FetchSessionIdNotFound);
    }

    [Fact]
    public async Task A_session_over_names_cannot_go_on_over_ids()
    {
        await using var topic = await Topic.CreateAsync();
        var session = (await FetchAsync(topic, 0, 0, (0, 0))).Number("sessionId");
        var reply = await topic.Connection.AskAsync(Api.Fetch, 13, new
        {
            maxWaitMs = 0, sessionId = session, sessionEpoch = 1,
            topics = new[] { new { topicId = await topic.IdAsync(), partitions = new[] { new { partition = 0 } } } },
        });
        reply.Error.ShouldBe(Code.FetchSessionTopicIdError);
    }

    private static Task<Reply> FetchAsync(Topic topic, long session, int epoch, params (int Partition, long Offset)[] partitions) =>
        topic.Connection.AskAsync(Api.Fetch, 11, new
        {
            maxWaitMs = 0,
            sessionId = session,
            sessionEpoch = epoch,
            topics = partitions.Length == 0 ? [] : new[] { new { topic = topic.Name, partitions = partitions.Select(p => new { partition = p.Partition, fetchOffset = p.Offset }).ToArray() } },
        });
}
