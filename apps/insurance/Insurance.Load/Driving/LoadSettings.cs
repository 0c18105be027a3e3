namespace Insurance.Load.Driving;

/// <summary>How a run sends.</summary>
/// <param name="RatePerSecond">Events a second over all streams, by the clock and whatever the gateway does; null for as fast as it takes them.</param>
/// <param name="GiveUpAfter">How long an event, or a stream, goes on without an acknowledgement.</param>
/// <param name="BreakEvery">Each stream breaks off on purpose after so many events; 0 for never.</param>
internal sealed record LoadSettings(double? RatePerSecond, TimeSpan GiveUpAfter, int BreakEvery)
{
    /// <summary>Under way per stream: a quarter of what the gateway lets a stream have, at 20 ms an event enough for 12,000 events a second.</summary>
    public const int Window = 256;

    /// <summary>A gateway that cannot reach its broker says so after 30 s; whoever is silent for longer will not answer.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(45);

    /// <summary>The pause that the gateway asks for.</summary>
    public static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    /// <summary>Reconnecting: the first pause, doubled up to the longest.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(3);
}
