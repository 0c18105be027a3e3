using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class IdempotenceTests
{
    [Fact]
    public async Task Without_a_transactional_id_every_request_gets_a_producer_id_of_its_own()
    {
        await using var connection = await WireConnection.OpenAsync();
        var first = await connection.AskAsync(Api.InitProducerId, 1, new { });
        var second = await connection.AskAsync(Api.InitProducerId, 1, new { });
        first.Error.ShouldBe(Code.None);
        first.Number("producerEpoch").ShouldBe(0);
        second.Number("producerId").ShouldNotBe(first.Number("producerId"));
    }

    [Fact]
    public async Task A_duplicate_returns_the_first_offset_and_appends_nothing()
    {
        await using var topic = await Topic.CreateAsync();
        var producer = await ProducerAsync(topic);
        (await topic.ProduceAsync(Sent(producer, 0, "a", "b"))).Number("baseOffset").ShouldBe(0);
        (await topic.ProduceAsync(Sent(producer, 2, "c"))).Number("baseOffset").ShouldBe(2);
        var again = await topic.ProduceAsync(Sent(producer, 0, "a", "b"));
        again.Error.ShouldBe(Code.None);
        again.Number("baseOffset").ShouldBe(0);
        (await topic.EndAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task Five_batches_are_remembered_and_the_one_before_them_is_not()
    {
        await using var topic = await Topic.CreateAsync();
        var producer = await ProducerAsync(topic);
        for (var i = 0; i < 6; i++)
            (await topic.ProduceAsync(Sent(producer, i, $"{i}"))).Error.ShouldBe(Code.None);
        for (var i = 1; i < 6; i++)
            (await topic.ProduceAsync(Sent(producer, i, $"{i}"))).Number("baseOffset").ShouldBe(i);
        (await topic.ProduceAsync(Sent(producer, 0, "0"))).Error.ShouldBe(Code.OutOfOrderSequence);
        (await topic.EndAsync()).ShouldBe(6);
    }

    [Fact]
    public async Task A_gap_is_out_of_order_and_the_expected_sequence_goes_on()
    {
        await using var topic = await Topic.CreateAsync();
        var producer = await ProducerAsync(topic);
        (await topic.ProduceAsync(Sent(producer, 0, "a"))).Error.ShouldBe(Code.None);
        (await topic.ProduceAsync(Sent(producer, 2, "c"))).Error.ShouldBe(Code.OutOfOrderSequence);
        (await topic.ProduceAsync(Sent(producer, 1, "b"))).Number("baseOffset").ShouldBe(1);
    }

    [Fact]
    public async Task A_part_of_a_remembered_batch_is_no_duplicate()
    {
        await using var topic = await Topic.CreateAsync();
        var producer = await ProducerAsync(topic);
        (await topic.ProduceAsync(Sent(producer, 0, "a", "b", "c"))).Error.ShouldBe(Code.None);
        (await topic.ProduceAsync(Sent(producer, 0, "a", "b"))).Error.ShouldBe(Code.OutOfOrderSequence);
    }

    [Fact]
    public async Task An_unknown_producer_may_begin_with_any_sequence()
    {
        await using var topic = await Topic.CreateAsync();
        var producer = await ProducerAsync(topic);
        (await topic.ProduceAsync(Sent(producer, 17, "a"))).Error.ShouldBe(Code.None);
        (await topic.ProduceAsync(Sent(producer, 18, "b"))).Error.ShouldBe(Code.None);
    }

    [Fact]
    public async Task A_new_epoch_begins_at_zero_and_fences_the_old_one()
    {
        await using var topic = await Topic.CreateAsync();
        var producer = await ProducerAsync(topic);
        (await topic.ProduceAsync(Sent(producer, 0, "a"))).Error.ShouldBe(Code.None);
        (await topic.ProduceAsync(Sent(producer, 3, "b") with { ProducerEpoch = 1 })).Error.ShouldBe(Code.OutOfOrderSequence);
        (await topic.ProduceAsync(Sent(producer, 0, "b") with { ProducerEpoch = 1 })).Error.ShouldBe(Code.None);
        (await topic.ProduceAsync(Sent(producer, 1, "c"))).Error.ShouldBe(Code.InvalidProducerEpoch);
        (await topic.EndAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task Sequences_wrap_to_zero()
    {
        await using var topic = await Topic.CreateAsync();
        var producer = await ProducerAsync(topic);
        (await topic.ProduceAsync(Sent(producer, int.MaxValue - 1, "a", "b"))).Error.ShouldBe(Code.None);
        (await topic.ProduceAsync(Sent(producer, 0, "c"))).Number("baseOffset").ShouldBe(2);
        (await topic.ProduceAsync(Sent(producer, 1, "d"))).Number("baseOffset").ShouldBe(3);
    }

    [Fact]
    public async Task A_batch_may_wrap_in_its_middle()
    {
        await using var topic = await Topic.CreateAsync();
        var producer = await ProducerAsync(topic);
        (await topic.ProduceAsync(Sent(producer, int.MaxValue, "a", "b"))).Error.ShouldBe(Code.None); // 2147483647 and 0
        (await topic.ProduceAsync(Sent(producer, 1, "c"))).Number("baseOffset").ShouldBe(2);
    }

    [Fact]
    public async Task Partitions_count_apart()
    {
        await using var topic = await Topic.CreateAsync(2);
        var producer = await ProducerAsync(topic);
        (await topic.ProduceAsync(Sent(producer, 0, "a"), partition: 0)).Error.ShouldBe(Code.None);
        (await topic.ProduceAsync(Sent(producer, 0, "a"), partition: 1)).Number("baseOffset").ShouldBe(0);
    }

    [Fact]
    public async Task A_producer_without_a_sequence_is_refused()
    {
        await using var topic = await Topic.CreateAsync();
        var producer = await ProducerAsync(topic);
        (await topic.ProduceAsync(Sent(producer, -1, "a"))).Error.ShouldBe(Code.InvalidRecord);
    }

    private static async Task<long> ProducerAsync(Topic topic) => (await NewIdAsync(topic.Connection)).Number("producerId");

    // A broker that has just started has no ids to give out for a moment.
    private static Task<Reply> NewIdAsync(WireConnection connection) =>
        Eventually.AnswerAsync(() => connection.AskAsync(Api.InitProducerId, 1, new { }), static reply => reply.Error == Code.CoordinatorLoadInProgress);

    private static Batch Sent(long producer, int sequence, params string[] values) => new() { Values = values, ProducerId = producer, ProducerEpoch = 0, BaseSequence = sequence };
}
