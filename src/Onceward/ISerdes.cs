using Confluent.Kafka;

namespace Onceward;

/// <summary>Finds the serializers of a message type. JSON is built in; <c>Onceward.Protobuf</c> brings Protocol Buffers.</summary>
/// <remarks>The serializers themselves are the client's own interfaces, so any that exists for Confluent.Kafka fits. Safe for concurrent use.</remarks>
public interface ISerdes
{
    /// <summary>The decoder of <typeparamref name="T"/>. It throws on bytes it cannot decode; such a record goes to the dead letters.</summary>
    IDeserializer<T> DeserializerOf<T>();

    /// <summary>The encoder of <typeparamref name="T"/>.</summary>
    ISerializer<T> SerializerOf<T>();
}
