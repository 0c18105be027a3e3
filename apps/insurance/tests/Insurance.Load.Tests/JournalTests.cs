using Insurance.Load.Journal;

namespace Insurance.Load.Tests;

public sealed class JournalTests : IDisposable
{
    private const string Run = HandMadeLedger.Run;

    private static readonly JournalHeader s_header = new(Run, 1, DateTimeOffset.UnixEpoch, 2, 1, 1, null, 1, 120);
    private static readonly JournalFooter s_footer = new(2, 2, new Dictionary<string, long>(), 0, 0, 0, Interrupted: false, 1, new LatencyMilliseconds(1, 2, 3, 4));

    private readonly string _directory = Directory.CreateTempSubdirectory("journal-").FullName;

    [Fact]
    public async Task What_was_written_is_read_again_and_counts_only_once_it_is_on_disk()
    {
        var durable = 0;
        await using (var journal = JournalWriter.Create(_directory, s_header, count => durable += count))
        {
            await journal.AddAsync(Entry(0), CancellationToken.None);
            await journal.AddAsync(Entry(1), CancellationToken.None);
            durable.ShouldBe(0);
            journal.Complete();
            await journal.RunAsync();
            durable.ShouldBe(2);
            journal.Finish(s_footer);
        }

        var lines = JournalFiles.Read(_directory, Run).ToList();
        lines[0].Header.ShouldBe(s_header);
        lines.Select(line => line.EventId).OfType<string>().ShouldBe([$"{Run}-0-0", $"{Run}-0-1"]);
        lines[^1].Footer!.Acknowledged.ShouldBe(2);
    }

    [Fact]
    public async Task A_piece_of_a_line_at_the_end_is_dropped_as_a_crash_may_leave_it()
    {
        await WriteAsync("""{"event_id":"a","policy_id":"p","partition":0,"offset":1}""", """{"event_id":"b","pol""");
        JournalFiles.Read(_directory, Run).Count().ShouldBe(1);
    }

    [Fact]
    public async Task Damage_anywhere_else_is_no_journal_to_verify_by()
    {
        await WriteAsync("""{"event_id":"b","pol""", """{"event_id":"a","policy_id":"p","partition":0,"offset":1}""");
        Should.Throw<ToolException>(() => JournalFiles.Read(_directory, Run).Count()).Message.ShouldContain("Line 1");
    }

    [Fact]
    public async Task A_disk_that_takes_no_more_ends_the_run_with_its_reason_and_nothing_counts()
    {
        var durable = 0;
        var journal = new JournalWriter(new FullDisk(), count => durable += count);
        await journal.AddAsync(Entry(0), CancellationToken.None);
        journal.Complete();
        (await Should.ThrowAsync<ToolException>(journal.RunAsync)).Message.ShouldContain("No space left");
        durable.ShouldBe(0);
    }

    [Fact]
    public void Where_no_run_was_made_the_message_says_so() =>
        Should.Throw<ToolException>(() => JournalFiles.Latest(_directory)).Message.ShouldContain("run load first");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static JournalEntry Entry(int seq) => new($"{Run}-0-{seq}", $"{Run}-0", 0, seq, "issued");

    private Task WriteAsync(params string[] lines) => File.WriteAllTextAsync(JournalFiles.PathOf(_directory, Run), string.Join('\n', lines));

    private sealed class FullDisk : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("No space left on device.");
    }
}
