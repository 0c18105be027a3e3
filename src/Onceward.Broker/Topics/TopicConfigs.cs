using Kind = Onceward.Broker.Topics.ConfigKind;

namespace Onceward.Broker.Topics;

/// <summary>The settings that topics have. All of Apache Kafka's are taken and kept; the doc of those without effect here says so.</summary>
/// <remarks>Source: "Topic configs" of Apache Kafka's documentation.</remarks>
internal static class TopicConfigs
{
    private const string NoEffect = "Kept, without effect in this broker.";
    private const string Forever = "9223372036854775807";

    public static ConfigTable Table { get; } = new(
        new("cleanup.policy", Kind.List, "delete", "What becomes of old segments. 'compact' is taken and keeps everything.", "log.cleanup.policy", OneOf: ["delete", "compact"]),
        new("compression.gzip.level", Kind.Int, "-1", NoEffect, "compression.gzip.level"),
        new("compression.lz4.level", Kind.Int, "9", NoEffect, "compression.lz4.level", 1),
        new("compression.type", Kind.String, "producer", "Batches stay as their producers compressed them, whatever is set.", "compression.type",
            OneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        new("compression.zstd.level", Kind.Int, "3", NoEffect, "compression.zstd.level"),
        new("delete.retention.ms", Kind.Long, "86400000", NoEffect, "log.cleaner.delete.retention.ms", 0),
        new("file.delete.delay.ms", Kind.Long, "60000", NoEffect, "log.segment.delete.delay.ms", 0),
        new("flush.messages", Kind.Long, Forever, NoEffect, "log.flush.interval.messages", 1),
        new("flush.ms", Kind.Long, Forever, NoEffect, null, 0),
        new("follower.replication.throttled.replicas", Kind.List, "", NoEffect),
        new("index.interval.bytes", Kind.Int, "4096", "How many bytes of records lie between two entries of the offset index.", "log.index.interval.bytes", 0),
        new("leader.replication.throttled.replicas", Kind.List, "", NoEffect),
        new("local.retention.bytes", Kind.Long, "-2", NoEffect, "log.local.retention.bytes", -2),
        new("local.retention.ms", Kind.Long, "-2", NoEffect, "log.local.retention.ms", -2),
        new("max.compaction.lag.ms", Kind.Long, Forever, NoEffect, "log.cleaner.max.compaction.lag.ms", 1),
        new("max.message.bytes", Kind.Int, "1048588", "Largest batch, in bytes as it is stored.", "message.max.bytes", 0),
        new("message.timestamp.after.max.ms", Kind.Long, "3600000", "How far a record's time may lie ahead of the broker's clock.", "log.message.timestamp.after.max.ms", 0),
        new("message.timestamp.before.max.ms", Kind.Long, Forever, "How far a record's time may lie behind the broker's clock.", "log.message.timestamp.before.max.ms", 0),
        new("message.timestamp.type", Kind.String, "CreateTime", "Whose clock stamps the records.", "log.message.timestamp.type", OneOf: ["CreateTime", "LogAppendTime"]),
        new("min.cleanable.dirty.ratio", Kind.Double, "0.5", NoEffect, "log.cleaner.min.cleanable.ratio", 0),
        new("min.compaction.lag.ms", Kind.Long, "0", NoEffect, "log.cleaner.min.compaction.lag.ms", 0),
        new("min.insync.replicas", Kind.Int, "1", "Kept; one node is all there is.", "min.insync.replicas", 1),
        new("preallocate", Kind.Boolean, "false", NoEffect, "log.preallocate"),
        new("remote.log.copy.disable", Kind.Boolean, "false", NoEffect),
        new("remote.log.delete.on.disable", Kind.Boolean, "false", NoEffect),
        new("remote.storage.enable", Kind.Boolean, "false", NoEffect),
        new("retention.bytes", Kind.Long, "-1", "Size of a partition beyond which its oldest segments go; -1: no bound.", "log.retention.bytes", -1),
        new("retention.ms", Kind.Long, "604800000", "Age beyond which segments go; -1: none goes.", "log.retention.ms", -1),
        new("segment.bytes", Kind.Int, "67108864", "Size at which a new segment begins. Smaller than Kafka's 1 GiB, so that retention bites on a small machine.", "log.segment.bytes", 1024 * 1024),
        new("segment.index.bytes", Kind.Int, "10485760", NoEffect, "log.index.size.max.bytes", 4),
        new("segment.jitter.ms", Kind.Long, "0", NoEffect, null, 0),
        new("segment.ms", Kind.Long, "604800000", "Age at which a new segment begins.", null, 1),
        new("unclean.leader.election.enable", Kind.Boolean, "false", NoEffect, "unclean.leader.election.enable"));
}
