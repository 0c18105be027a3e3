using Onceward.Broker.Fetching;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>
/// Fetch, versions 4 to 17: whole batches, the first of them holding the offset asked for. It waits until there is enough, something is wrong, or
/// the client's time is over. Sessions from version 7, topic ids from 13.
/// </summary>
internal sealed class FetchHandler(BrokerNode node) : ApiHandler<FetchRequest>(ApiKey.Fetch)
{
    private const int NoSession = 0;

    private readonly FetchSessions sessions = new();

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, FetchRequest request, CancellationToken cancellationToken)
    {
        var (error, session) = sessions.Enter(request, byTopicId: context.Version >= 13);
        if (error != ErrorCode.None)
            return new FetchResponse(error, NoSession, []);
        var plan = Plan(request, session);
        var result = plan.Read();
        if (!result.IsEnough && request.MaxWaitMs > 0)
            result = await WaitAsync(plan, request, cancellationToken).ConfigureAwait(false);
        return new FetchResponse(ErrorCode.None, session?.Id ?? NoSession, Answer(plan, result, session, full: request.SessionEpoch <= 0));
    }

    private FetchPlan Plan(FetchRequest request, FetchSession? session)
    {
        if (session is null)
            return new([.. request.Topics.SelectMany(topic => topic.Partitions, (topic, asked) => PlannedPartition.Of(node.Topics, topic.Topic, asked))], request);
        lock (session.Guard)
            return new([.. session.Partitions.Select(partition => PlannedPartition.Of(node.Topics, partition.Topic, partition.Asked))], request);
    }

    private async ValueTask<FetchResult> WaitAsync(FetchPlan plan, FetchRequest request, CancellationToken cancellationToken)
    {
        using var wait = new FetchWait(plan, TimeSpan.FromMilliseconds(request.MaxWaitMs), node.Options.TimeProvider, cancellationToken);
        while (true)
        {
            // Read after the wait began to listen, or what came in between would be missed.
            var result = plan.Read();
            if (result.IsEnough || wait.IsOver)
                return result;
            await wait.NextAsync().ConfigureAwait(false);
        }
    }

    private static List<FetchResponseTopic> Answer(FetchPlan plan, FetchResult result, FetchSession? session, bool full)
    {
        var topics = new List<FetchResponseTopic>();
        for (var i = 0; i < plan.Partitions.Count; i++)
        {
            var (key, fetched) = (plan.Partitions[i].Topic, result.Partitions[i]);
            var news = session is null || Tell(session, key, fetched);
            if (!news && !full)
                continue;
            if (topics.Count == 0 || topics[^1].Topic != key)
                topics.Add(new FetchResponseTopic(key, []));
            topics[^1].Partitions.Add(fetched);
        }
        return topics;
    }

    private static bool Tell(FetchSession session, TopicKey key, in FetchResponsePartition fetched)
    {
        lock (session.Guard)
            return session.Tell(key, fetched);
    }
}
