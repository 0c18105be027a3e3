using Microsoft.Extensions.Logging;
using Onceward.Broker.Groups;
using Onceward.Broker.Protocol;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Transactions;

/// <summary>All transactional ids of this broker, their producers and transactions.</summary>
/// <remarks>
/// <para>Guarantee: the decision to commit or abort is durable before the first marker is written, every partition gets its marker, and a
/// transaction is said to be ended once that is so. State is in records of the topic __transaction_state, in Kafka's own format;
/// memory is a view of it.</para>
/// <para>Order: what is asked of one id happens one after another, without a lock held over an await. A partition takes a producer's
/// transactional batches only after the state that includes it is durable, and none behind its marker.</para>
/// <para>Crash: the next start writes the markers of what was decided, aborts nothing that has time left, and lets it go on. A disk that fails
/// after a decision leaves it decided; the sweep tries again, and the id is busy until then.</para>
/// </remarks>
internal sealed partial class TransactionCoordinator : IAsyncDisposable
{
    private readonly BrokerOptions options;
    private readonly TimeProvider clock;
    private readonly GroupCoordinator groups;
    private readonly ProducerIds producerIds;
    private readonly TransactionLog log;
    private readonly TransactionMarkers markers;
    private readonly TransactionalIds ids = new();
    private readonly TransactionSweep sweep;
    private readonly ILogger logger;

    public TransactionCoordinator(BrokerOptions options, TopicRegistry topics, GroupCoordinator groups, ProducerIds producerIds, ILoggerFactory loggerFactory)
    {
        (this.options, this.groups, this.producerIds, clock) = (options, groups, producerIds, options.TimeProvider);
        log = new TransactionLog(topics, clock);
        markers = new TransactionMarkers(topics, groups);
        logger = loggerFactory.CreateLogger<TransactionCoordinator>();
        sweep = new TransactionSweep(this, options, ids, log, logger);
    }

    /// <summary>What is known of each transactional id, as it is durable.</summary>
    public IEnumerable<TransactionalProducer> All => ids.All.Select(id => id.State).OfType<TransactionalProducer>();

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    public TransactionalProducer? Find(string transactionalId) => ids.Find(transactionalId);

    /// <summary>Reads the log, finishes what was decided, and lets open transactions go on. Before any client is served, and after groups have read theirs.</summary>
    /// <exception cref="InvalidDataException">The log cannot be read.</exception>
    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        foreach (var state in log.Load())
        {
            using var turn = (await ids.EnterAsync(state.TransactionalId, create: true, cancellationToken).ConfigureAwait(false))!;
            turn.Id.State = state;
            turn.Id.Began = Monotonic(state.StartedAt);
            if (state.IsOngoing)
                markers.Enlist(state.Identity, state.Partitions);
            if (!state.IsPrepared)
                continue;
            Finishing(logger, state.TransactionalId, state.Commits ? "commit" : "abort");
            await FinishAsync(turn.Id).ConfigureAwait(false);
        }
        sweep.Start();
    }

    /// <summary>InitProducerId.</summary>
    /// <param name="transactionalId">Null: an idempotent producer, which always gets an id of its own.</param>
    /// <param name="timeoutMs">Of the transactions to come.</param>
    /// <param name="current">What the producer has, if it renews.</param>
    /// <param name="cancellationToken">Ends the wait for one's turn, not what was begun.</param>
    public async ValueTask<(ErrorCode Error, ProducerIdentity Producer)> InitializeAsync(
        string? transactionalId, int timeoutMs, ProducerIdentity? current, CancellationToken cancellationToken)
    {
        try
        {
            if (transactionalId is null)
                return (ErrorCode.None, new(producerIds.Next(), 0));
            if (transactionalId.Length == 0)
                return (ErrorCode.InvalidRequest, default);
            if (timeoutMs <= 0 || timeoutMs > options.MaxTransactionTimeout.TotalMilliseconds)
                return (ErrorCode.InvalidTransactionTimeout, default);
            using var turn = (await ids.EnterAsync(transactionalId, create: true, cancellationToken).ConfigureAwait(false))!;
            return await InitializeAsync(turn.Id, timeoutMs, current).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            NoProducerId(logger, e);
            return (ErrorCode.CoordinatorLoadInProgress, default); // What Kafka says when it has no block of ids: try again.
        }
    }

    /// <summary>AddPartitionsToTxn. The partitions must be there.</summary>
    public async ValueTask<ErrorCode> AddAsync(
        string transactionalId, ProducerIdentity producer, IReadOnlyCollection<TransactionPartition> partitions, CancellationToken cancellationToken)
    {
        if (transactionalId.Length == 0)
            return ErrorCode.InvalidRequest;
        using var turn = await ids.EnterAsync(transactionalId, create: false, cancellationToken).ConfigureAwait(false);
        if (turn?.Id is not { State: { } state } id)
            return ErrorCode.InvalidProducerIdMapping;
        var (error, next) = state.Add(producer, partitions, Now);
        if (error != ErrorCode.None)
            return error;
        if (next is not null && await StoreAsync(id, next).ConfigureAwait(false) is var failed and not ErrorCode.None)
            return failed;
        if (!state.IsOngoing)
            id.Began = clock.GetTimestamp();
        // Those that were there too: a topic may have been deleted and created again since. One that takes nothing may do so later: clients ask again.
        return markers.Enlist(producer, partitions) ? ErrorCode.None : ErrorCode.CoordinatorNotAvailable;
    }

    /// <summary>AddOffsetsToTxn: a group's offsets are records of one more partition.</summary>
    public ValueTask<ErrorCode> AddOffsetsAsync(string transactionalId, ProducerIdentity producer, string groupId, CancellationToken cancellationToken)
    {
        var offsets = groups.OffsetsLogOf(groupId);
        return AddAsync(transactionalId, producer, [new(offsets.Topic, offsets.Partition)], cancellationToken);
    }

    /// <summary>EndTxn. Answered when the decision is durable, and after every partition has its marker if nothing prevents that.</summary>
    public async ValueTask<ErrorCode> EndAsync(string transactionalId, ProducerIdentity producer, bool commit, CancellationToken cancellationToken)
    {
        if (transactionalId.Length == 0)
            return ErrorCode.InvalidRequest;
        using var turn = await ids.EnterAsync(transactionalId, create: false, cancellationToken).ConfigureAwait(false);
        if (turn?.Id is not { State: { } state } id)
            return ErrorCode.InvalidProducerIdMapping;
        var (error, next) = state.End(producer, commit, Now);
        return next is null ? error : await DecideAsync(id, next).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => sweep.DisposeAsync();

    /// <summary>In the id's turn: aborts its transaction, whose time is over, and shuts its producer out.</summary>
    internal async ValueTask AbortAsync(TransactionalId id, TransactionalProducer state)
    {
        TimedOut(logger, id.Name, state.ProducerId, state.TimeoutMs);
        await DecideAsync(id, state.Fence(Now).Next!).ConfigureAwait(false);
    }

    /// <summary>In the id's turn: writes the markers that are owed, and that they are there.</summary>
    internal async ValueTask FinishAsync(TransactionalId id)
    {
        var decided = id.State!;
        var error = await markers.WriteAsync(decided, id.Marked, log.CoordinatorEpoch, CancellationToken.None).ConfigureAwait(false);
        if (error == ErrorCode.None)
            error = await StoreAsync(id, decided.Complete(Now)).ConfigureAwait(false);
        if (error != ErrorCode.None)
            NotFinished(logger, id.Name, error);
    }

    /// <summary>In the id's turn.</summary>
    internal async ValueTask<ErrorCode> StoreAsync(TransactionalId id, TransactionalProducer? next)
    {
        var error = await log.AppendAsync(id.Name, next, CancellationToken.None).ConfigureAwait(false);
        if (error == ErrorCode.None)
            id.State = next;
        else
            NotStored(logger, id.Name);
        return error;
    }

    private async ValueTask<(ErrorCode Error, ProducerIdentity Producer)> InitializeAsync(TransactionalId id, int timeoutMs, ProducerIdentity? current)
    {
        var state = id.State ?? new TransactionalProducer(id.Name) { ProducerId = producerIds.Next() };
        var (error, next) = state.Initialize(timeoutMs, current, Now, producerIds.Next);
        if (next is null)
            return (error, default);
        if (next.IsPrepared)
        {
            error = await DecideAsync(id, next).ConfigureAwait(false);
            return (error == ErrorCode.None ? ErrorCode.ConcurrentTransactions : error, default);
        }
        error = await StoreAsync(id, next).ConfigureAwait(false);
        return error == ErrorCode.None ? (error, next.Identity) : (error, default);
    }

    private async ValueTask<ErrorCode> DecideAsync(TransactionalId id, TransactionalProducer decided)
    {
        var error = await StoreAsync(id, decided).ConfigureAwait(false);
        if (error != ErrorCode.None)
            return error;
        id.Marked.Clear();
        await FinishAsync(id).ConfigureAwait(false);
        return error;
    }

    /// <summary>The monotonic time of a moment of the wall clock, which may lie before this process, or, after the clock was set back, ahead.</summary>
    private long Monotonic(long wall)
    {
        var ago = Math.Max(0, Now - wall);
        return clock.GetTimestamp() - (long)(ago / 1000.0 * clock.TimestampFrequency);
    }
}
