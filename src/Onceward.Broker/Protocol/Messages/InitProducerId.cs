namespace Onceward.Broker.Protocol.Messages;

/// <param name="TransactionalId">Null: an idempotent producer without transactions.</param>
/// <param name="TimeoutMs">After which an open transaction is aborted.</param>
/// <param name="ProducerId">From version 3: what the producer has and wants renewed; -1: nothing.</param>
/// <param name="ProducerEpoch">From version 3, likewise.</param>
internal sealed record InitProducerIdRequest(string? TransactionalId, int TimeoutMs, long ProducerId, short ProducerEpoch) : IRequest<InitProducerIdRequest>
{
    public static InitProducerIdRequest Read(ref WireReader reader)
    {
        var request = new InitProducerIdRequest(
            reader.NullableString(),
            reader.Int32(),
            reader.Version >= 3 ? reader.Int64() : -1,
            reader.Version >= 3 ? reader.Int16() : (short)-1);
        reader.Tags();
        return request;
    }
}

internal sealed record InitProducerIdResponse(ErrorCode Error, long ProducerId = -1, short ProducerEpoch = -1) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Error(Error);
        writer.Int64(ProducerId);
        writer.Int16(ProducerEpoch);
        writer.Tags();
    }
}
