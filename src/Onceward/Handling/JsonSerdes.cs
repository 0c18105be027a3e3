using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Confluent.Kafka;

namespace Onceward.Handling;

/// <summary>JSON by System.Text.Json, web style: camelCase, numbers also from strings.</summary>
internal sealed class JsonSerdes : ISerdes
{
    public IDeserializer<T> DeserializerOf<T>() => new Json<T>();

    public ISerializer<T> SerializerOf<T>() => new Json<T>();

    private sealed class Json<T> : IDeserializer<T>, ISerializer<T>
    {
        private const string Reason = "Whoever trims the program registers serializers of source-generated contexts with UseSerdes.";

        [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = Reason)]
        [UnconditionalSuppressMessage("AOT", "IL3050", Justification = Reason)]
        public T Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) =>
            JsonSerializer.Deserialize<T>(data, JsonSerializerOptions.Web)
            ?? throw new JsonException("The value is null; a tombstone needs a serializer that knows what it means.");

        [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = Reason)]
        [UnconditionalSuppressMessage("AOT", "IL3050", Justification = Reason)]
        public byte[] Serialize(T data, SerializationContext context) => JsonSerializer.SerializeToUtf8Bytes(data, JsonSerializerOptions.Web);
    }
}
