using System.Text.Json.Serialization;

namespace Insurance.Load.Journal;

/// <summary>One line of a journal: the header, an acknowledged event, or the footer.</summary>
internal sealed record JournalLine
{
    public JournalHeader? Header { get; init; }

    public JournalFooter? Footer { get; init; }

    public string? EventId { get; init; }

    public string? PolicyId { get; init; }

    public int? Partition { get; init; }

    public long? Offset { get; init; }

    public string? Kind { get; init; }
}

/// <summary>What a run was asked to do. The token and the address are no part of it.</summary>
internal sealed record JournalHeader(
    string Run, ulong Seed, DateTimeOffset Start, int Events, int Policies, int Streams, double? RatePerSecond, double RetryPercent, double GiveUpSeconds);

/// <summary>What became of a run. A journal without one belongs to a run that is still going, or was killed.</summary>
/// <param name="Sent">Events handed to a stream at least once.</param>
/// <param name="Acknowledged">Events in this journal.</param>
/// <param name="Refused">By reason.</param>
/// <param name="Resent">Sendings after a failure.</param>
/// <param name="Repeated">Sendings more than once on purpose.</param>
/// <param name="GaveUp">Events without an acknowledgement when their deadline passed, and those of their policies that came after.</param>
/// <param name="Interrupted">Somebody stopped it before it was through.</param>
/// <param name="Seconds">From the first event to the last acknowledgement.</param>
/// <param name="Latency">Milliseconds until the acknowledgement: from the moment an event was due with a rate, else from its sending.</param>
internal sealed record JournalFooter(
    long Sent, long Acknowledged, IReadOnlyDictionary<string, long> Refused, long Resent, long Repeated, long GaveUp, bool Interrupted, double Seconds,
    LatencyMilliseconds Latency);

internal sealed record LatencyMilliseconds(double P50, double P95, double P99, double Max);

/// <summary>An acknowledged event.</summary>
internal readonly record struct JournalEntry(string EventId, string PolicyId, int Partition, long Offset, string Kind);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JournalLine))]
internal sealed partial class JournalJson : JsonSerializerContext;
