using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>
/// Produce, versions 3 to 10; 0 to 2 are advertised for old clients' sake and answered with UNSUPPORTED_VERSION. With acks=0 nothing is
/// answered, and an error closes the connection, as in Kafka.
/// </summary>
/// <remarks>Batches are appended from the request's own buffer. All partitions are appended before any is waited for, so that they share a flush.</remarks>
internal sealed class ProduceHandler(BrokerNode node) : ApiHandler<ProduceRequest>(ApiKey.Produce)
{
    private const short NoAnswer = 0;
    private const short Leader = 1;
    private const short AllReplicas = -1;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, ProduceRequest request, CancellationToken cancellationToken)
    {
        var refused = context.Version < context.Api.ServedFrom ? ErrorCode.UnsupportedVersion
            : request.Acks is NoAnswer or Leader or AllReplicas ? ErrorCode.None
            : ErrorCode.InvalidRequiredAcks;
        // None of the waits is given up: what was appended must be answered, or the producer would send it again.
        var appends = request.Topics.ConvertAll(topic => topic.Partitions.ConvertAll(partition => refused == ErrorCode.None
            ? AppendAsync(topic.Name, partition.Partition, partition.Records)
            : new(Refuse(refused))));
        var answers = new List<ProducedTopic>(appends.Count);
        for (var i = 0; i < appends.Count; i++)
        {
            var partitions = new ProducedPartition[appends[i].Count];
            for (var j = 0; j < partitions.Length; j++)
                partitions[j] = new(request.Topics[i].Partitions[j].Partition, await appends[i][j].ConfigureAwait(false));
            answers.Add(new(request.Topics[i].Name, partitions));
        }
        return request.Acks == NoAnswer ? Silence(answers) : new ProduceResponse(answers);
    }

    private static AppendResult Refuse(ErrorCode error, string? message = null) => new(error, -1, -1, -1, message);

    private static IResponse? Silence(List<ProducedTopic> answers)
    {
        var failed = answers.SelectMany(topic => topic.Partitions).FirstOrDefault(partition => partition.Result.Error != ErrorCode.None);
        return failed.Result.Error == ErrorCode.None
            ? null
            : throw new MalformedRequestException($"a produce without acknowledgement failed: {failed.Result.Error} {failed.Result.Message}");
    }

    private ValueTask<AppendResult> AppendAsync(string name, int partition, Memory<byte>? records)
    {
        if (!node.Topics.TryGet(name, out var topic) || topic.Partition(partition) is not { } log)
            return new(Refuse(ErrorCode.UnknownTopicOrPartition));
        if (topic.IsInternal)
            return new(Refuse(ErrorCode.InvalidTopic, $"Cannot append to internal topic {name}"));
        return log.AppendAsync(records ?? Memory<byte>.Empty, CancellationToken.None);
    }
}
