using Grpc.Core;
using Insurance.Contracts;

namespace Insurance.Gateway;

/// <summary>The way in: see gateway.proto for what callers may rely on.</summary>
internal sealed class PolicyGatewayService(BearerToken token, EventPublisher publisher, IHostApplicationLifetime lifetime)
    : PolicyGateway.PolicyGatewayBase
{
    public override async Task<PublishResponse> Publish(PublishRequest request, ServerCallContext context)
    {
        token.Demand(context);
        // When the call ends first, the event is still on its way: its sender learns DEADLINE_EXCEEDED, and repeats it.
        var ack = await publisher.PublishAsync(request, TraceParent.Of(context)).WaitAsync(context.CancellationToken);
        if (ack.OutcomeCase == PublishAck.OutcomeOneofCase.Rejected)
            throw ack.Rejected.ToRpcException();
        return new PublishResponse
        {
            EventId = ack.EventId,
            Topic = ack.Accepted.Topic,
            Partition = ack.Accepted.Partition,
            Offset = ack.Accepted.Offset,
        };
    }

    public override Task PublishStream(
        IAsyncStreamReader<PublishRequest> requestStream, IServerStreamWriter<PublishAck> responseStream, ServerCallContext context)
    {
        token.Demand(context);
        return new PublishSession(publisher, requestStream, responseStream, TraceParent.Of(context), lifetime.ApplicationStopping)
            .RunAsync(context.CancellationToken);
    }
}
