using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class ProduceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task An_acknowledgement_tells_the_offset_of_the_first_record(int acks)
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.ProduceAsync(new Batch { Values = ["a", "b"] }, acks: acks)).Number("baseOffset").ShouldBe(0);
        var reply = await topic.ProduceAsync(new Batch { Values = ["c"] }, acks: acks);
        reply.Error.ShouldBe(Code.None);
        reply.Number("baseOffset").ShouldBe(2);
        reply.Number("logAppendTime").ShouldBe(-1);
        reply.Number("logStartOffset").ShouldBe(0);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(9)]
    [InlineData(10)]
    public async Task Every_version_appends(int version)
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.ProduceAsync(new Batch { Values = ["a"] }, version: version)).Error.ShouldBe(Code.None);
        (await topic.EndAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task Without_acknowledgement_there_is_no_answer_and_the_records_are_there()
    {
        await using var topic = await Topic.CreateAsync();
        await using var silent = await WireConnection.OpenAsync();
        var header = silent.Header((short)Api.Produce, 8, flexible: false);
        var body = new WireWriter(flexible: false).Fields(Schema.Of(Api.Produce).Request, topic.ProduceRequest(new Batch { Values = ["a"] }, acks: 0), 8).ToArray();
        await silent.SendFrameAsync([.. header, .. body]);
        (await silent.AskAsync(Api.ApiVersions, 0, new { })).Error.ShouldBe(Code.None); // The next answer on the wire is this one's.
        await Eventually.HoldsAsync("the record is there", async () => await topic.EndAsync() == 1);
    }

    [Fact]
    public async Task Without_acknowledgement_an_error_closes_the_connection()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.Connection.SendAsync(Api.Produce, 8, topic.ProduceRequest(new Batch { Values = ["a"] }, partition: 7, acks: 0));
        await topic.Connection.ShouldBeClosedAsync();
    }

    [Fact]
    public async Task Other_acknowledgements_are_refused()
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.ProduceAsync(new Batch { Values = ["a"] }, acks: 2)).Error.ShouldBe(Code.InvalidRequiredAcks);
        (await topic.EndAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task An_unknown_topic_or_partition_is_an_error_of_that_partition_alone()
    {
        await using var topic = await Topic.CreateAsync();
        byte[] batch = new Batch { Values = ["a"] };
        var unknown = Backend.Name("unknown");
        var reply = await topic.Connection.AskAsync(Api.Produce, 8, new
        {
            topics = new[]
            {
                new { name = topic.Name, partitions = new[] { new { index = 0, records = batch }, new { index = 1, records = batch } } },
                new { name = unknown, partitions = new[] { new { index = 0, records = batch } } },
            },
        });
        var answers = reply.List("responses").ToDictionary(t => t.Text("name")!, t => t.List("partitions").ToDictionary(p => p.Number("index"), p => p.Error));
        answers[topic.Name][0].ShouldBe(Code.None);
        answers[topic.Name][1].ShouldBe(Code.UnknownTopicOrPartition);
        answers[unknown][0].ShouldBe(Code.UnknownTopicOrPartition);
        (await topic.MetadataAsync(unknown)).Error.ShouldBe(Code.UnknownTopicOrPartition, "a produce creates no topic");
    }

    [Fact]
    public async Task A_wrong_checksum_is_refused() => await RefusedAsync(new Batch { Values = ["a"], BreakCrc = true }, Code.CorruptMessage);

    [Fact]
    public async Task A_flipped_bit_in_a_record_is_refused()
    {
        byte[] batch = new Batch { Values = ["a"] };
        batch[^2] ^= 1;
        await RefusedAsync(batch, Code.CorruptMessage);
    }

    [Fact]
    public async Task A_last_offset_that_does_not_fit_the_count_is_refused() => await RefusedAsync(new Batch { Values = ["a", "b"], LastOffsetDelta = 5 }, Code.InvalidRecord);

    [Fact]
    public async Task A_base_offset_other_than_zero_is_refused() => await RefusedAsync(new Batch { Values = ["a"], BaseOffset = 77 }, Code.InvalidRecord);

    [Fact]
    public async Task An_empty_batch_is_refused() => await RefusedAsync(new Batch { Values = [], Count = 0 }, Code.InvalidRecord);

    [Fact]
    public async Task A_control_batch_of_a_client_is_refused() =>
        await RefusedAsync(new Batch { Values = ["a"], Attributes = Batch.Control, ProducerId = 1, ProducerEpoch = 0, BaseSequence = 0 }, Code.InvalidRecord);

    [Fact]
    public async Task A_batch_over_the_topics_limit_is_refused_and_one_below_it_is_not()
    {
        await using var topic = await Topic.CreateAsync(1, ("max.message.bytes", "1000"));
        (await topic.ProduceAsync(new Batch { Values = [new string('x', 1000)] })).Error.ShouldBe(Code.MessageTooLarge);
        (await topic.ProduceAsync(new Batch { Values = [new string('x', 900)] })).Error.ShouldBe(Code.None);
        (await topic.EndAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_batch_over_the_brokers_limit_is_refused()
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.ProduceAsync(new Batch { Values = [new string('x', 1_048_588)] })).Error.ShouldBe(Code.MessageTooLarge);
        (await topic.ProduceAsync(new Batch { Values = [new string('x', 1_048_000)] })).Error.ShouldBe(Code.None);
    }

    [Fact]
    public async Task Two_batches_for_one_partition_are_refused()
    {
        byte[] batch = new Batch { Values = ["a"] };
        await RefusedAsync([.. batch, .. batch], Code.InvalidRecord);
    }

    [Fact]
    public async Task A_batch_that_ends_too_early_is_refused()
    {
        byte[] batch = new Batch { Values = ["a"] };
        await using var topic = await Topic.CreateAsync();
        await topic.Connection.SendAsync(Api.Produce, 8, topic.ProduceRequest(batch[..^3]));
        var answer = await topic.Connection.FrameAsync();
        if (answer is null)
            return; // Kafka counts it as a request that cannot be read, and closes.
        System.Buffers.Binary.BinaryPrimitives.ReadInt16BigEndian(answer.AsSpan(4 + 4 + 2 + topic.Name.Length + 4 + 4)).ShouldNotBe((short)0);
    }

    [Fact]
    public async Task A_timestamp_far_in_the_future_is_refused()
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.ProduceAsync(new Batch { Values = ["a"], Timestamp = DateTimeOffset.UtcNow.AddDays(2).ToUnixTimeMilliseconds() })).Error.ShouldBe(Code.InvalidTimestamp);
        (await topic.EndAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task With_log_append_time_the_brokers_clock_counts()
    {
        await using var topic = await Topic.CreateAsync(1, ("message.timestamp.type", "LogAppendTime"));
        var before = DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds();
        var reply = await topic.ProduceAsync(new Batch { Values = ["a"] });
        reply.Number("logAppendTime").ShouldBeGreaterThan(before);
        var batch = (await topic.ReadAsync(0)).ShouldHaveSingleItem(); // Its checksum is checked when it is read.
        batch.MaxTimestamp.ShouldBe(reply.Number("logAppendTime"));
        (batch.Attributes & Batch.LogAppendTime).ShouldNotBe(0);
    }

    [Fact]
    public async Task Requests_on_one_connection_are_answered_in_their_order()
    {
        await using var topic = await Topic.CreateAsync();
        for (var i = 0; i < 20; i++)
            await topic.Connection.SendAsync(Api.Produce, 8, topic.ProduceRequest(new Batch { Values = [$"{i}"] }));
        for (var i = 0; i < 20; i++)
            (await topic.Connection.AnswerAsync()).Partition.Number("baseOffset").ShouldBe(i);
    }

    private static async Task RefusedAsync(byte[] records, Code code)
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.ProduceAsync(records)).Error.ShouldBe(code);
        (await topic.EndAsync()).ShouldBe(0);
        await topic.WriteAsync("fine"); // Nothing is left behind.
    }
}
