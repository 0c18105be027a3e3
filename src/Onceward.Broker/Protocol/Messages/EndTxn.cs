namespace Onceward.Broker.Protocol.Messages;

internal sealed record EndTxnRequest(string TransactionalId, long ProducerId, short ProducerEpoch, bool Commit) : IRequest<EndTxnRequest>
{
    public static EndTxnRequest Read(ref WireReader reader)
    {
        var request = new EndTxnRequest(reader.String(), reader.Int64(), reader.Int16(), reader.Bool());
        reader.Tags();
        return request;
    }
}

internal sealed record EndTxnResponse(ErrorCode Error) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Error(Error);
        writer.Tags();
    }
}
