using Confluent.Kafka;

namespace Onceward.Bench.Contenders;

/// <summary>Decodes a value to its amount, which is all that the hand-written contenders look at too.</summary>
internal sealed class AmountSerdes : ISerdes, IDeserializer<long>
{
    public IDeserializer<T> DeserializerOf<T>() => (IDeserializer<T>)(object)this;

    public ISerializer<T> SerializerOf<T>() => throw new NotSupportedException("The benchmark publishes nothing.");

    public long Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => Event.Amount(data);
}
