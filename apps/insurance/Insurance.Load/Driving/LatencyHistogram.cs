using System.Numerics;
using Insurance.Load.Journal;

namespace Insurance.Load.Driving;

/// <summary>Latencies in microseconds, to within three percent, in memory that does not grow with their number. Thread-safe.</summary>
internal sealed class LatencyHistogram
{
    /// <summary>Each power of two is split into so many equal parts.</summary>
    private const int Parts = 32;

    private readonly long[] _counts = new long[40 * Parts];
    private long _max;

    public void Record(TimeSpan latency)
    {
        var micros = Math.Max(0, (long)latency.TotalMicroseconds);
        Interlocked.Increment(ref _counts[Math.Min(Bucket(micros), _counts.Length - 1)]);
        for (var seen = Interlocked.Read(ref _max); micros > seen;)
        {
            var before = Interlocked.CompareExchange(ref _max, micros, seen);
            if (before == seen)
                break;
            seen = before;
        }
    }

    public LatencyMilliseconds Summary() => new(Percentile(50), Percentile(95), Percentile(99), Interlocked.Read(ref _max) / 1000.0);

    public double Percentile(double percent)
    {
        var total = 0L;
        foreach (ref var count in _counts.AsSpan())
            total += Interlocked.Read(ref count);
        var wanted = (long)Math.Ceiling(total * percent / 100);
        var seen = 0L;
        for (var i = 0; i < _counts.Length && total > 0; i++)
        {
            seen += Interlocked.Read(ref _counts[i]);
            if (seen >= wanted)
                return Math.Round(Math.Min(UpperEnd(i), Interlocked.Read(ref _max)) / 1000.0, 3);
        }

        return 0;
    }

    private static int Bucket(long value)
    {
        if (value < 2 * Parts)
            return (int)value;
        var shift = BitOperations.Log2((ulong)value) - BitOperations.Log2(Parts);
        return (shift * Parts) + (int)(value >> shift);
    }

    private static long UpperEnd(int bucket)
    {
        if (bucket < 2 * Parts)
            return bucket;
        var shift = (bucket / Parts) - 1;
        return ((long)((bucket % Parts) + Parts + 1) << shift) - 1;
    }
}
