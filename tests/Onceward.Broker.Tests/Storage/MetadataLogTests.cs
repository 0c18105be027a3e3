using Onceward.Broker.Storage;

namespace Onceward.Broker.Tests.Storage;

/// <summary>What the file of topics and settings survives, and what it refuses.</summary>
public sealed class MetadataLogTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private string FileName => directory.File("metadata.log");

    public void Dispose() => directory.Dispose();

    [Fact]
    public void Reads_what_was_appended_in_its_order()
    {
        MetadataRecord[] written = [Created("a"), new TopicDeleted(Guid.NewGuid()), new PartitionsAdded(Guid.NewGuid(), 7), Settings("retention.ms", "1")];
        Write(written);
        Read().Select(Text).ShouldBe(written.Select(Text));
    }

    [Fact]
    public void Cut_at_any_byte_it_keeps_every_whole_record_before()
    {
        Write([Created("a"), Created("b"), Created("c")]);
        var whole = File.ReadAllBytes(FileName);
        var ends = EndsOf(whole);
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(FileName, whole[..length]);
            Read().Count.ShouldBe(ends.Count(end => end <= length), $"cut at {length}");
            new FileInfo(FileName).Length.ShouldBe(ends.LastOrDefault(end => end <= length), $"cut at {length}");
        }
    }

    [Fact]
    public void After_a_cut_it_goes_on_behind_the_last_whole_record()
    {
        Write([Created("a"), Created("b")]);
        File.WriteAllBytes(FileName, File.ReadAllBytes(FileName)[..^3]);
        Write([Created("c")]);
        Read().Cast<TopicCreated>().Select(topic => topic.Name).ShouldBe(["a", "c"]);
    }

    [Fact]
    public void Damage_before_a_whole_record_stops_the_start()
    {
        Write([Created("a"), Created("b"), Created("c")]);
        var bytes = File.ReadAllBytes(FileName);
        bytes[EndsOf(bytes)[0] + 12] ^= 0x20;
        File.WriteAllBytes(FileName, bytes);
        Should.Throw<InvalidDataException>(() => Read()).Message.ShouldContain($"damaged at byte {EndsOf(bytes)[0]}");
        File.ReadAllBytes(FileName).ShouldBe(bytes, "a damaged file is left as it is");
    }

    [Fact]
    public void Rewritten_it_holds_the_live_records_and_goes_on()
    {
        var later = Created("later");
        using (var log = MetadataLog.Open(FileName, out _))
        {
            for (var i = 0; i < 100; i++)
                log.Append(Settings("retention.ms", $"{i}"));
            log.Rewrite([Settings("retention.ms", "99")]);
            log.Append(later);
        }
        Read().Select(Text).ShouldBe([Text(Settings("retention.ms", "99")), Text(later)]);
    }

    private static TopicCreated Created(string name) => new(name, Guid.NewGuid(), 3, Internal: false, new() { ["cleanup.policy"] = "compact" });

    private static ResourceSettingsReplaced Settings(string name, string value) => new(4, "1", new() { [name] = value });

    private static string Text(MetadataRecord record) => System.Text.Json.JsonSerializer.Serialize(record, MetadataJson.Default.MetadataRecord);

    private static List<int> EndsOf(byte[] bytes)
    {
        var ends = new List<int>();
        for (var position = 0; position < bytes.Length; ends.Add(position))
            position += 8 + System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(position));
        return ends;
    }

    private void Write(IEnumerable<MetadataRecord> records)
    {
        using var log = MetadataLog.Open(FileName, out _);
        foreach (var record in records)
            log.Append(record);
    }

    private List<MetadataRecord> Read()
    {
        using var log = MetadataLog.Open(FileName, out var records);
        return records;
    }
}
