using Onceward.Broker.Groups;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Transactions;

/// <summary>Opens partitions to a transaction, and ends it in each.</summary>
/// <remarks>
/// Markers may be written twice, after a crash between a marker and the state that says all are there; the second one ends nothing. A topic that
/// is gone has dropped out of the transaction.
/// </remarks>
internal sealed class TransactionMarkers(TopicRegistry topics, GroupCoordinator groups)
{
    /// <returns>Whether all of them that are there take the transaction's batches now.</returns>
    public bool Enlist(ProducerIdentity producer, IEnumerable<TransactionPartition> partitions)
    {
        var all = true;
        foreach (var partition in partitions)
            all &= Find(partition)?.Enlist(producer.Id, producer.Epoch) is null or ErrorCode.None;
        return all;
    }

    /// <summary>Writes the marker of a decided transaction to each of its partitions, all at the same time.</summary>
    /// <param name="decided">What was decided.</param>
    /// <param name="marked">The partitions that have theirs; those that get it now are added.</param>
    /// <param name="coordinatorEpoch">For the markers.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>None, or why one of them could not be written: then those that are not marked are to be written again.</returns>
    public async ValueTask<ErrorCode> WriteAsync(
        TransactionalProducer decided, HashSet<TransactionPartition> marked, int coordinatorEpoch, CancellationToken cancellationToken)
    {
        var owed = decided.Partitions.Where(partition => !marked.Contains(partition)).ToArray();
        var errors = await Task.WhenAll(owed.Select(partition => WriteAsync(partition, decided, coordinatorEpoch, cancellationToken).AsTask())).ConfigureAwait(false);
        for (var i = 0; i < owed.Length; i++)
        {
            if (errors[i] == ErrorCode.None)
                marked.Add(owed[i]);
        }
        return Array.Find(errors, static error => error != ErrorCode.None);
    }

    private async ValueTask<ErrorCode> WriteAsync(
        TransactionPartition partition, TransactionalProducer decided, int coordinatorEpoch, CancellationToken cancellationToken)
    {
        while (Find(partition) is { } log)
        {
            var appended = await log.AppendMarkerAsync(decided.ProducerId, decided.Epoch, decided.Commits, coordinatorEpoch, cancellationToken)
                .ConfigureAwait(false);
            switch (appended.Error)
            {
                case ErrorCode.None:
                    if (partition.Topic == OffsetsTopic.Name)
                        groups.TransactionEnded(log, decided.ProducerId, decided.Commits);
                    return ErrorCode.None;
                case ErrorCode.InvalidProducerEpoch or ErrorCode.TransactionCoordinatorFenced:
                    return ErrorCode.None; // A later marker of this producer is there already, and has ended the transaction.
            }
            if (Find(partition) == log)
                return appended.Error;
        }
        return ErrorCode.None;
    }

    private PartitionLog? Find(TransactionPartition partition) => topics.TryGet(partition.Topic, out var topic) ? topic.Partition(partition.Partition) : null;
}
