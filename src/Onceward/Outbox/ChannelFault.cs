using System.Text.Json.Serialization;

namespace Onceward.Outbox;

/// <summary>The detail of an incident about a channel.</summary>
internal sealed record ChannelFault(int Channel, string Fault, ChannelPosition? Kafka, string System, int Timeline);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ChannelFault))]
internal sealed partial class ChannelFaultJson : JsonSerializerContext;
