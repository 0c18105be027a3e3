using Onceward.Broker.Storage;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Log;

/// <summary>When a segment is full, and when its time is over. Whole segments, as Apache Kafka does it.</summary>
internal static class LogRetention
{
    /// <summary>Kafka's producer.id.expiration.ms.</summary>
    public const long ProducerExpiryMs = 24 * 3600 * 1000;

    /// <summary>By size, by age, or because its 32-bit numbers end.</summary>
    public static bool MustRoll(LogSegment segment, in BatchHeader next, TopicSettings settings, long now)
    {
        if (!segment.HasRoomFor(next, settings.SegmentBytes))
            return segment.Size > 0;
        var age = segment.FirstTimestamp >= 0 && next.MaxTimestamp >= 0
            ? next.MaxTimestamp - segment.FirstTimestamp
            : now - segment.CreatedAt;
        return segment.Size > 0 && age > settings.SegmentMs;
    }

    /// <summary>The start that retention wants: what lies before is too old, or too much. Never past the last stable offset.</summary>
    public static long NewStart(LogContents log, TopicSettings settings, long now)
    {
        var start = log.StartOffset;
        if (!settings.DeletesOldSegments)
            return start;
        var excess = settings.RetentionBytes < 0 ? -1 : log.SizeInBytes - settings.RetentionBytes;
        var segments = log.Segments;
        for (var i = 0; i < segments.Length; i++)
        {
            var segment = segments[i];
            var end = i + 1 < segments.Length ? segments[i + 1].BaseOffset : log.EndOffset;
            if (segment.Size == 0 || end > log.StableOffset)
                break;
            var latest = segment.MaxTimestamp >= 0 ? segment.MaxTimestamp : segment.CreatedAt;
            var tooOld = settings.RetentionMs >= 0 && now - latest > settings.RetentionMs;
            var tooMuch = excess >= segment.Size;
            if (!tooOld && !tooMuch)
                break;
            excess -= segment.Size; // Whatever it goes for: the log is smaller then.
            start = end;
        }
        return start;
    }
}
