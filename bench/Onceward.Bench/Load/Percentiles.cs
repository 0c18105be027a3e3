namespace Onceward.Bench.Load;

/// <summary>The sorted latencies of one stretch of load.</summary>
internal sealed class Percentiles
{
    private readonly float[] _sorted;

    public Percentiles(IEnumerable<float> values)
    {
        _sorted = [.. values];
        Array.Sort(_sorted);
    }

    public int Count => _sorted.Length;

    /// <param name="share">0.95 for the 95th.</param>
    public double At(double share) => _sorted[Math.Min(_sorted.Length - 1, (int)Math.Ceiling(share * _sorted.Length))];

    public double Max => _sorted[^1];
}
