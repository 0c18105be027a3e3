namespace Insurance.Load.Generation;

/// <summary>What a run is to send: how many events each policy has, and which stream carries it.</summary>
/// <remarks>Memory: four bytes a policy. Everything but the run's id and its start follows from the seed.</remarks>
internal sealed class LoadPlan
{
    private readonly int[] _eventsOfPolicy;

    public LoadPlan(string run, DateTimeOffset start, int events, int policies, int streams, ulong seed, double retryPercent)
    {
        Run = run;
        Start = start;
        Events = events;
        Streams = Math.Min(streams, policies);
        Seed = seed;
        RetryPercent = retryPercent;
        _eventsOfPolicy = Share(events, policies, seed);
    }

    public string Run { get; }

    /// <summary>When the events say they occurred, to within a day.</summary>
    public DateTimeOffset Start { get; }

    public int Events { get; }

    public int Policies => _eventsOfPolicy.Length;

    public int Streams { get; }

    public ulong Seed { get; }

    public double RetryPercent { get; }

    /// <summary>Five events a policy: an issue, a few years' renewals, sometimes a cancellation.</summary>
    public static int DefaultPolicies(int events) => Math.Max(1, events / 5);

    public int EventsOfPolicy(int policy) => _eventsOfPolicy[policy];

    public int EventsOfStream(int stream)
    {
        var sum = 0;
        for (var policy = stream; policy < Policies; policy += Streams)
            sum += _eventsOfPolicy[policy];
        return sum;
    }

    public StreamSchedule Schedule(int stream) => new(this, stream);

    // Every policy is issued; the other events fall on them by chance, so some policies live long and some never renew.
    private static int[] Share(int events, int policies, ulong seed)
    {
        var shares = new int[policies];
        Array.Fill(shares, 1);
        var random = SplitMix.For(seed, ulong.MaxValue);
        for (var i = policies; i < events; i++)
            shares[random.Below(policies)]++;
        return shares;
    }
}
