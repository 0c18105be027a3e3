namespace Onceward.Broker.Protocol.Messages;

internal sealed record AddOffsetsToTxnRequest(string TransactionalId, long ProducerId, short ProducerEpoch, string GroupId) : IRequest<AddOffsetsToTxnRequest>
{
    public static AddOffsetsToTxnRequest Read(ref WireReader reader)
    {
        var request = new AddOffsetsToTxnRequest(reader.String(), reader.Int64(), reader.Int16(), reader.String());
        reader.Tags();
        return request;
    }
}

internal sealed record AddOffsetsToTxnResponse(ErrorCode Error) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Error(Error);
        writer.Tags();
    }
}
