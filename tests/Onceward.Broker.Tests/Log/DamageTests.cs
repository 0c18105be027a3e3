using System.Buffers.Binary;
using System.Security.Cryptography;
using Onceward.Broker.Log;

namespace Onceward.Broker.Tests.Log;

/// <summary>The last segment is cut or changed, and recovery leaves what the log was before the first damaged batch came: no more and no less.</summary>
/// <remarks>What it was is noted while the log is written, so recovery is not judged by itself. The seed is printed.</remarks>
public sealed class DamageTests(ITestOutputHelper output) : IDisposable
{
    private const int RandomPlaces = 1_000;
    private const int SegmentBytes = 6_000;
    private const int EpochField = 12; // of a batch; the checksum does not cover it
    private const long Idempotent = 7;
    private static readonly long[] Transactional = [8, 9];

    private readonly TemporaryDirectory directory = new(inMemory: true);
    private readonly TemporaryDirectory image = new(inMemory: true);
    private readonly Dictionary<long, State> states = [];
    private readonly List<(long Position, long Offset)> batches = []; // of the last segment
    private string damaged = ""; // the last segment's file, of the image
    private byte[] whole = [];

    public void Dispose()
    {
        directory.Dispose();
        image.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cut_at_every_boundary_it_is_what_it_was_there(bool afterStopInOrder)
    {
        await FillAsync(Seed(), afterStopInOrder);
        foreach (var (position, offset) in batches)
            await RecoversAsync(whole[..(int)position], offset, $"cut at the boundary {position}");
    }

    [Fact]
    public async Task Cut_within_every_batch_it_is_what_it_was_before_it()
    {
        var random = new Random(await FillAsync(Seed(), inOrder: false));
        for (var i = 0; i < batches.Count; i++)
        {
            var next = i + 1 < batches.Count ? batches[i + 1].Position : whole.Length;
            foreach (var length in (long[])[batches[i].Position + 1, random.NextInt64(batches[i].Position + 1, next), next - 1])
                await RecoversAsync(whole[..(int)length], batches[i].Offset, $"cut at {length}");
        }
    }

    [Fact]
    public async Task Changed_at_a_thousand_random_places_it_is_what_it_was_before_the_batch()
    {
        var random = new Random(await FillAsync(Seed(), inOrder: false));
        for (var i = 0; i < RandomPlaces; i++)
        {
            var place = random.Next(whole.Length);
            var (position, offset) = batches.Last(batch => batch.Position <= place);
            var bytes = whole.ToArray();
            bytes[place] ^= (byte)(1 << random.Next(8));
            // Only a start's own number could stand there without being seen to be wrong: the batch itself is as it was then.
            if (BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan((int)position + EpochField)) == 1)
                bytes[place] ^= 0x40;
            await RecoversAsync(bytes, offset, $"byte {place} was {whole[place]} and is {bytes[place]}");
        }
    }

    [Fact]
    public async Task Garbage_behind_the_last_batch_is_cut_off()
    {
        var random = new Random(await FillAsync(Seed(), inOrder: false));
        var end = states.Keys.Max();
        for (var length = 1; length < 200; length += 7)
        {
            var garbage = new byte[length];
            random.NextBytes(garbage);
            await RecoversAsync([.. whole, .. garbage], end, $"{length} bytes of garbage");
            await RecoversAsync([.. whole, .. new byte[length]], end, $"{length} bytes of zeros");
        }
    }

    private int Seed()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        return seed;
    }

    /// <summary>Several segments of plain, idempotent and transactional batches, the last one nearly full; and the image of a crash, or of a stop.</summary>
    private async Task<int> FillAsync(int seed, bool inOrder)
    {
        var random = new Random(seed);
        await using (var log = TestLog.OnDisk(directory.Path))
        {
            log.Configure(("segment.bytes", $"{SegmentBytes}"), ("index.interval.bytes", "300"));
            Note(log);
            var sequences = Transactional.Append(Idempotent).ToDictionary(producer => producer, _ => 0);
            var open = new HashSet<long>();
            while (SegmentFiles(directory).Count < 4 || new FileInfo(SegmentFiles(directory)[^1]).Length < SegmentBytes - 500)
            {
                await StepAsync(log, random, sequences, open);
                Note(log);
            }
            if (!inOrder)
                RestartTests.Copy(directory.Path, image.Path);
        }
        if (inOrder)
            RestartTests.Copy(directory.Path, image.Path);
        damaged = SegmentFiles(image)[^1];
        whole = await File.ReadAllBytesAsync(damaged);
        for (var position = 0; position < whole.Length;)
        {
            var header = BatchHeader.Read(whole.AsSpan(position));
            batches.Add((position, header.BaseOffset));
            position += header.SizeInBytes;
        }
        batches.Count.ShouldBeGreaterThan(20);
        // From now on the other folder is what each damage begins with. What closing the log has written there must not stay: it was closed in order then.
        Empty(directory);
        RestartTests.Copy(image.Path, directory.Path);
        return random.Next();
    }

    private static async Task StepAsync(TestLog log, Random random, Dictionary<long, int> sequences, HashSet<long> open)
    {
        var producer = Transactional[random.Next(Transactional.Length)];
        var count = random.Next(1, 4);
        switch (random.Next(4))
        {
            case 0:
                await log.Write(count);
                break;
            case 1:
                await log.Write(count, Idempotent, sequence: sequences[Idempotent]);
                sequences[Idempotent] += count;
                break;
            case 2:
                if (open.Add(producer))
                    log.Log.Enlist(producer, 0);
                await log.Write(count, producer, sequence: sequences[producer], transactional: true);
                sequences[producer] += count;
                break;
            case 3 when open.Remove(producer):
                await log.End(producer, commit: random.Next(2) == 0);
                break;
        }
    }

    private static List<string> SegmentFiles(TemporaryDirectory root) =>
        [.. Directory.GetFiles(root.Path, "*.log", SearchOption.AllDirectories).Where(file => Path.GetFileName(file).Length == 24).Order(StringComparer.Ordinal)];

    private static void Empty(TemporaryDirectory root)
    {
        foreach (var folder in Directory.GetDirectories(root.Path))
            Directory.Delete(folder, recursive: true);
    }

    private void Note(TestLog log) => states[log.Log.HighWatermark] = State.Of(log.Log);

    private async Task RecoversAsync(byte[] bytes, long end, string how)
    {
        Empty(image);
        RestartTests.Copy(directory.Path, image.Path);
        await File.WriteAllBytesAsync(damaged, bytes);
        await using var log = TestLog.OnDisk(image.Path);
        log.Configure(("segment.bytes", $"{SegmentBytes}"), ("index.interval.bytes", "300"));
        log.Log.HighWatermark.ShouldBe(end, how);
        State.Of(log.Log).ShouldBe(states[end], how);
        var last = log.Log.Producers().Where(producer => producer.ProducerId == Idempotent).Select(producer => producer.LastSequence).DefaultIfEmpty(-1).Single();
        (await log.Write(1, Idempotent, sequence: last + 1)).ShouldBe(end, how);
        (await log.Write()).ShouldBe(end + 1, how);
    }

    /// <summary>All that a log shows of itself.</summary>
    private sealed record State(long Start, long End, long Stable, string Batches, string Aborted, string Producers)
    {
        public static State Of(PartitionLog log)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var batch in RecordReader.Batches(log))
                hash.AppendData(batch.Bytes.Span);
            return new State(
                log.StartOffset, log.HighWatermark, log.LastStableOffset, Convert.ToHexString(hash.GetHashAndReset()),
                string.Join(' ', log.Read(0, int.MaxValue, readCommitted: true, atLeastOneBatch: true).Aborted),
                string.Join(' ', log.Producers().OrderBy(producer => producer.ProducerId)));
        }
    }
}
