using System.Text.Json;
using System.Text.Json.Serialization;

namespace Onceward.Outbox;

/// <summary>How far a channel is published: a record of the relay topic, written in the Kafka transaction that publishes.</summary>
/// <param name="Channel">The channel's id.</param>
/// <param name="NextSeq">The first row that is not published.</param>
/// <param name="Hash">The hash of row <paramref name="NextSeq"/> - 1, by which a database that went back is noticed.</param>
/// <param name="System">The PostgreSQL system identifier, for the person who reads an incident.</param>
/// <param name="Timeline">The timeline: one more after each promotion or restore.</param>
/// <param name="FirstSeq">The first row that the transaction published; null: it was written before relays said so.</param>
/// <param name="Began">When the transaction began to produce, in milliseconds of Unix time, by the clock that stamps its rows.</param>
internal sealed record ChannelPosition(int Channel, long NextSeq, long Hash, string System, int Timeline, long? FirstSeq = null, long Began = 0)
{
    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, ChannelPositionJson.Default.ChannelPosition);

    public static ChannelPosition Decode(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, ChannelPositionJson.Default.ChannelPosition) ?? throw new JsonException("A position is null.");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ChannelPosition))]
internal sealed partial class ChannelPositionJson : JsonSerializerContext;
