using Confluent.Kafka;
using Npgsql;
using Onceward.Handling;
using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Postgres.Ledger;

public sealed class NoteTests
{
    [Fact]
    public async Task A_dead_letter_keeps_the_record_and_says_why()
    {
        await using var lane = await TestLane.CreateAsync();
        var headers = new Headers { { OncewardHeaders.TraceParent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"u8.ToArray() } };
        await WriteAsync(lane, TestRecord.At(new(TestLane.Topic, 4), 9, "value", "key", headers), new InvalidOperationException("no such policy"), attempts: 3);
        (await lane.DeadLettersAsync()).ShouldBe(["4:9 InvalidOperationException 3"]);
        (await lane.Database.ScalarAsync<byte[]>("SELECT key FROM onceward.dead_letter")).ShouldBe("key"u8.ToArray());
        (await lane.Database.ScalarAsync<byte[]>("SELECT value FROM onceward.dead_letter")).ShouldBe("value"u8.ToArray());
        (await lane.Database.ScalarAsync<long>("SELECT ts FROM onceward.dead_letter")).ShouldBe(1_700_000_000_009);
        (await lane.Database.ScalarAsync<string>("SELECT error FROM onceward.dead_letter")).ShouldContain("no such policy");
        (await lane.Database.ScalarAsync<string>("SELECT trace_id FROM onceward.dead_letter")).ShouldBe("0af7651916cd43dd8448eb211c80319c");
    }

    [Fact]
    public async Task A_dead_letter_of_nulls_is_written()
    {
        await using var lane = await TestLane.CreateAsync();
        await WriteAsync(lane, TestRecord.At(new(TestLane.Topic, 0), 0, value: null), new FormatException("bad"));
        (await lane.Database.ScalarAsync<bool>("SELECT key IS NULL AND value IS NULL AND trace_id IS NULL FROM onceward.dead_letter")).ShouldBeTrue();
    }

    [Theory]
    [InlineData('\0')]
    [InlineData('\ud83d')] // half of a pair, as after cutting a text short
    public async Task The_words_of_an_error_never_keep_a_dead_letter_from_being_written(char odd)
    {
        await using var lane = await TestLane.CreateAsync();
        await WriteAsync(lane, TestRecord.At(new(TestLane.Topic, 0), 0), new InvalidOperationException($"before {odd} behind"));
        (await lane.DeadLettersAsync()).Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("00-a\0b-c-01")]
    [InlineData("00-\ufffd-c-01")]
    [InlineData("nothing of the kind")]
    public async Task Nor_does_what_a_producer_put_into_the_trace_header(string? header)
    {
        await using var lane = await TestLane.CreateAsync();
        var headers = new Headers { { OncewardHeaders.TraceParent, header is null ? null : System.Text.Encoding.UTF8.GetBytes(header) } };
        await WriteAsync(lane, TestRecord.At(new(TestLane.Topic, 0), 0, headers: headers), new InvalidOperationException("bad"));
        (await lane.DeadLettersAsync()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_incident_is_noted_once_until_it_is_resolved()
    {
        await using var lane = await TestLane.CreateAsync();
        var (store, key) = (new IncidentStore(lane.Database.Source), new PartitionKey(1, 2));
        Task NoteAsync(PartitionKey? at, string detail) => store.NoteAsync(IncidentStore.OffsetOutOfRange, at, 7, detail, default);

        await NoteAsync(key, """{"reason": "gone"}""");
        await NoteAsync(key, """{ "reason" :"gone"}""");
        await NoteAsync(null, """{"reason":"gone"}""");
        await NoteAsync(null, """{"reason":"gone"}""");
        await NoteAsync(new PartitionKey(1, 3), """{"reason":"gone"}""");
        await CountShouldBe(3);

        await lane.Database.ExecuteAsync("UPDATE onceward.incident SET resolved_by = 'me' WHERE partition = 2");
        await NoteAsync(key, """{"reason":"gone"}""");
        await CountShouldBe(4);

        async Task CountShouldBe(long count) => (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident")).ShouldBe(count);
    }

    private static async Task WriteAsync(TestLane lane, Record record, Exception error, int attempts = 1)
    {
        await using var connection = await lane.Database.Source.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { DeadLetterStore.Insert(new DeadLetter(lane.Subscription, record, attempts, error)) } };
        await batch.ExecuteNonQueryAsync();
    }
}
