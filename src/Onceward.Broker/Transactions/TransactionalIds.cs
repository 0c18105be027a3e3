using System.Collections.Concurrent;

namespace Onceward.Broker.Transactions;

/// <summary>One transactional id in memory.</summary>
internal sealed class TransactionalId(string name)
{
    private TransactionalProducer? state;

    public string Name => name;

    /// <summary>As it is durable; null: none yet. Written in the id's turn, read by anybody.</summary>
    public TransactionalProducer? State
    {
        get => Volatile.Read(ref state);
        set => Volatile.Write(ref state, value);
    }

    /// <summary>When the open transaction began, on the monotonic clock.</summary>
    public long Began { get; set; }

    /// <summary>The partitions that have the marker of what is decided. Belongs to the id's turn.</summary>
    public HashSet<TransactionPartition> Marked { get; } = [];

    /// <summary>It has no state any more, and another object may stand for it.</summary>
    public bool IsGone { get; set; }

    public SemaphoreSlim Turn { get; } = new(1);
}

/// <summary>All transactional ids. What is done to one happens one after another; different ids never wait for each other.</summary>
internal sealed class TransactionalIds
{
    private readonly ConcurrentDictionary<string, TransactionalId> byName = new();

    public int Count => byName.Count;

    /// <summary>In no particular order.</summary>
    public IEnumerable<TransactionalId> All => byName.Values;

    public TransactionalProducer? Find(string name) => byName.TryGetValue(name, out var id) ? id.State : null;

    /// <summary>Waits until it is our turn with an id; null: there is no such id.</summary>
    /// <remarks>Disposing ends the turn. An id that has no state then is forgotten.</remarks>
    public async ValueTask<TransactionalIdTurn?> EnterAsync(string name, bool create, CancellationToken cancellationToken)
    {
        while (true)
        {
            var id = create ? byName.GetOrAdd(name, static name => new TransactionalId(name)) : byName.GetValueOrDefault(name);
            if (id is null)
                return null;
            await id.Turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (!id.IsGone)
                return new TransactionalIdTurn(this, id);
            id.Turn.Release();
        }
    }

    public void Leave(TransactionalId id)
    {
        if (id.State is null)
        {
            id.IsGone = true;
            byName.TryRemove(new(id.Name, id));
        }
        id.Turn.Release();
    }
}

/// <summary>The right to change one transactional id.</summary>
internal sealed class TransactionalIdTurn(TransactionalIds all, TransactionalId id) : IDisposable
{
    public TransactionalId Id => id;

    public void Dispose() => all.Leave(id);
}
