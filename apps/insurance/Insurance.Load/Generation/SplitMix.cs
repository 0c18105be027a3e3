namespace Insurance.Load.Generation;

/// <summary>SplitMix64: a generator of eight bytes of state, so that every event can have one of its own.</summary>
/// <remarks>What an event holds depends on the seed and its place in its policy alone, never on which stream was faster.</remarks>
internal struct SplitMix(ulong seed)
{
    private ulong _state = seed;

    public static SplitMix For(ulong seed, ulong first, ulong second = 0) =>
        new(Mix(Mix(seed ^ 0x6C6F6164) + first) + Mix(second + 1));

    public ulong Next() => Mix(_state += 0x9E3779B97F4A7C15);

    /// <summary>From 0 to <paramref name="bound"/> - 1; the bias of the multiplication is below one in 2³².</summary>
    public int Below(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);

    public bool Chance(double percent) => (Next() >> 11) * (1.0 / (1UL << 53)) * 100 < percent;

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
