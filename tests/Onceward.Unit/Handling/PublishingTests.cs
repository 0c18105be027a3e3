using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Onceward.Handling;
using Onceward.Outbox;
using Onceward.TestSupport;

namespace Onceward.Unit.Handling;

public sealed class PublishingTests
{
    private const int MaxBytes = 4096;

    private static readonly TopicPartition s_partition = new("orders", 2);
    private readonly Publishing _publishing = new("worker", new JsonSerdes(), MaxBytes);

    [Fact]
    public void A_message_carries_its_cause_its_key_its_value_and_its_event_id()
    {
        var message = _publishing.Encode(7, TestRecord.At(s_partition, 5), "out", [1, 2], new { Amount = 3 }, "id-1");
        (message.Subscription, message.Partition, message.Topic).ShouldBe((7, 2, "out"));
        message.Key.ShouldBe([1, 2]);
        Encoding.UTF8.GetString(message.Value!).ShouldBe("""{"amount":3}""");
        HeaderCodec.Decode(message.Headers).Text(OncewardHeaders.EventId).ShouldBe("id-1");
    }

    [Theory]
    [InlineData("")]
    [InlineData("no spaces")]
    [InlineData("..")]
    public void A_topic_that_cannot_be_is_refused_at_once(string topic)
    {
        var error = Should.Throw<OncewardException>(() => _publishing.Encode(1, TestRecord.At(s_partition, 0), topic, null, "x", null));
        error.ErrorCode.ShouldBe(ErrorCodes.Unpublishable);
    }

    [Fact]
    public void A_message_over_the_bound_is_refused_with_both_numbers()
    {
        _publishing.Encode(1, TestRecord.At(s_partition, 0), "out", null, new string('x', 3000), null).Value!.Length.ShouldBe(3002);
        var error = Should.Throw<OncewardException>(() => _publishing.Encode(1, TestRecord.At(s_partition, 0), "out", null, new string('x', MaxBytes), null));
        error.ErrorCode.ShouldBe(ErrorCodes.Unpublishable);
        error.Message.ShouldContain("4096");
        Should.Throw<OncewardException>(() => _publishing.Encode(1, TestRecord.At(s_partition, 0), "out", new byte[MaxBytes], "x", null));
    }

    [Fact]
    public void The_trace_goes_on_from_the_running_activity_else_from_the_record()
    {
        var headers = new Headers { { OncewardHeaders.TraceParent, "00-aaaa-bb-01"u8.ToArray() } };
        Trace(headers).ShouldBe("00-aaaa-bb-01");
        Trace([]).ShouldBeNull();
        using var activity = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start();
        Trace(headers).ShouldBe(activity.Id);
    }

    [Fact]
    public void An_idempotency_key_names_worker_and_place() =>
        _publishing.IdempotencyKey(new TopicPartitionOffset(s_partition, 9)).ShouldBe("worker/orders/2/9");

    [Fact]
    public void A_dead_letter_is_the_record_unchanged_with_headers_that_say_why()
    {
        var record = TestRecord.At(s_partition, 5, "value", "key", new Headers
        {
            { "mine", [9] }, { OncewardHeaders.EventId, "e"u8.ToArray() }, { OncewardHeaders.DeadLetterPrefix + "reason", "older"u8.ToArray() },
        });
        var message = _publishing.Encode(Letter(record, new InvalidOperationException("no such policy"), attempts: 4), "orders.dlq");

        (message.Subscription, message.Partition, message.Topic).ShouldBe((7, 2, "orders.dlq"));
        message.Key.ShouldBe("key"u8.ToArray());
        message.Value.ShouldBe("value"u8.ToArray());
        HeaderCodec.Decode(message.Headers).Select(h => $"{h.Key}={Encoding.UTF8.GetString(h.GetValueBytes())}").ShouldBe(
        [
            "mine=\t", "event_id=e", "onceward-dlq-reason=InvalidOperationException", "onceward-dlq-error=no such policy", "onceward-dlq-worker=worker",
            "onceward-dlq-topic=orders", "onceward-dlq-partition=2", "onceward-dlq-offset=5", "onceward-dlq-timestamp=1700000000005",
            "onceward-dlq-attempts=4",
        ]);
    }

    [Fact]
    public void A_dead_letter_over_the_bound_goes_without_its_value_and_says_so()
    {
        var message = _publishing.Encode(Letter(TestRecord.At(s_partition, 0, new string('x', MaxBytes), "key"), new FormatException("bad")), "orders.dlq");
        message.Value.ShouldBeNull();
        message.Key.ShouldBe("key"u8.ToArray());
        HeaderCodec.Decode(message.Headers).Text("onceward-dlq-value-omitted").ShouldBe("4096");
    }

    [Fact]
    public void A_tombstone_becomes_a_dead_letter_without_a_value_that_was_not_omitted()
    {
        var message = _publishing.Encode(Letter(TestRecord.At(s_partition, 0, value: null), new FormatException("bad")), "orders.dlq");
        message.Value.ShouldBeNull();
        HeaderCodec.Decode(message.Headers).Text("onceward-dlq-value-omitted").ShouldBeNull();
    }

    [Fact]
    public void A_dead_letter_with_headers_over_the_bound_still_fits()
    {
        var record = TestRecord.At(s_partition, 0, "v", "key", new Headers { { "huge", new byte[MaxBytes] } });
        var message = _publishing.Encode(Letter(record, new FormatException("bad")), "orders.dlq");
        ((message.Key?.Length ?? 0) + (message.Value?.Length ?? 0) + message.Headers.Length).ShouldBeLessThan(MaxBytes);
        HeaderCodec.Decode(message.Headers).Text("onceward-dlq-offset").ShouldBe("0");
    }

    [Fact]
    public void A_long_error_is_shortened_in_the_header()
    {
        var message = _publishing.Encode(Letter(TestRecord.At(s_partition, 0), new FormatException(new string('e', 5000))), "orders.dlq");
        HeaderCodec.Decode(message.Headers).Text("onceward-dlq-error")!.Length.ShouldBe(1000);
    }

    [Fact]
    public void The_reason_is_a_short_word_for_grouping()
    {
        var record = TestRecord.At(s_partition, 0);
        Letter(record, new OncewardException("MY-CODE", "x")).Reason.ShouldBe("MY-CODE");
        Letter(record, new Npgsql.PostgresException("m", "ERROR", "ERROR", "23505")).Reason.ShouldBe("SQLSTATE 23505");
        Letter(record, new KeyNotFoundException()).Reason.ShouldBe("KeyNotFoundException");
    }

    private string? Trace(Headers incoming) =>
        HeaderCodec.Decode(_publishing.Encode(1, TestRecord.At(s_partition, 0, headers: incoming), "out", null, "x", null).Headers).Text(OncewardHeaders.TraceParent);

    private static DeadLetter Letter(Record record, Exception error, int attempts = 1) => new(Some.Subscription(7), record, attempts, error);
}
