using System.Buffers;

namespace Onceward;

/// <summary>Kafka's rules for topic names (<c>org.apache.kafka.common.internals.Topic</c>).</summary>
internal static class TopicName
{
    private static readonly SearchValues<char> s_legal =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    public static bool IsLegal(string? name) =>
        name is { Length: > 0 and <= 249 } and not ("." or "..") && !name.AsSpan().ContainsAnyExcept(s_legal);
}
