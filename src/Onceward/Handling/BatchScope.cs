using System.Data;
using System.Text;
using Npgsql;
using Onceward.Lanes;

namespace Onceward.Handling;

/// <summary>One attempt at a batch: the open transaction and what is to be written at its end.</summary>
/// <remarks>
/// A savepoint in the database has its likeness here: <see cref="Mark"/> remembers how much was staged, and <see cref="RollBackTo"/> forgets what
/// came after, so that no message of a record that was rolled back is ever sent.
/// </remarks>
internal sealed class BatchScope(
    NpgsqlConnection connection, NpgsqlTransaction transaction, TransactionBounds bounds, IServiceProvider services, Publishing publishing)
{
    private readonly List<NpgsqlBatchCommand> _staged = [];
    private readonly List<OutgoingMessage> _messages = [];
    private readonly List<DeadLetter> _deadLetters = [];

    public NpgsqlConnection Connection => connection;

    public NpgsqlTransaction Transaction => transaction;

    /// <summary>The time limits, to go before the first statement whoever it is of.</summary>
    public TransactionBounds Bounds => bounds;

    /// <summary>Before a handler gets connection or transaction: what it executes has the limits, too.</summary>
    public BatchScope Lend()
    {
        bounds.Send();
        return this;
    }

    /// <summary>The topic whose records are being applied.</summary>
    public Subscription? Subscription { get; set; }

    /// <summary>The service scope of the records being applied. Bisection gives each part a fresh one.</summary>
    public IServiceProvider Services { get; set; } = services;

    public IReadOnlyList<NpgsqlBatchCommand> Staged => _staged;

    public IReadOnlyList<OutgoingMessage> Messages => _messages;

    public IReadOnlyList<DeadLetter> DeadLetters => _deadLetters;

    /// <summary>The keys that are parked, and what this attempt parks. Filled outside of savepoints, and so never rolled back with one.</summary>
    public Parking Parking { get; } = new();

    /// <summary>The time of the handler that runs.</summary>
    public HandlerClock? Clock { get; set; }

    /// <summary>
    /// Whether somebody other than us has ended the transaction, so far as the client knows. Not so where the connection broke: that is nobody's
    /// doing, and nothing was committed.
    /// </summary>
    public bool HasEnded
    {
        get
        {
            if (!connection.FullState.HasFlag(ConnectionState.Open))
                return false;
            try
            {
                return transaction.IsolationLevel is IsolationLevel.Unspecified;
            }
            // What a transaction that is over says when it is asked for anything; there is no other way to learn it.
            catch (Exception e) when (e is InvalidOperationException or ObjectDisposedException)
            {
                return true;
            }
        }
    }

    /// <summary>Records dropped because their event id was applied before.</summary>
    public int Repetitions { get; set; }

    public void Stage(NpgsqlBatchCommand command)
    {
        ArgumentNullException.ThrowIfNull(command);
        _staged.Add(command);
    }

    public void Publish<T>(Record cause, string topic, string? key, T message, string? eventId)
    {
        var keyBytes = key is null ? null : Encoding.UTF8.GetBytes(key);
        Add(publishing.Encode(Subscription!.Id, cause, topic, keyBytes, message, eventId));
    }

    public void Add(OutgoingMessage message) => _messages.Add(message);

    public void Add(DeadLetter letter) => _deadLetters.Add(letter);

    public string IdempotencyKey(Record record) => publishing.IdempotencyKey(record.TopicPartitionOffset);

    public Mark Mark() => new(_staged.Count, _messages.Count, _deadLetters.Count, Repetitions);

    public void RollBackTo(Mark mark)
    {
        _staged.RemoveRange(mark.Staged, _staged.Count - mark.Staged);
        _messages.RemoveRange(mark.Messages, _messages.Count - mark.Messages);
        _deadLetters.RemoveRange(mark.DeadLetters, _deadLetters.Count - mark.DeadLetters);
        Repetitions = mark.Repetitions;
    }

    /// <summary>Forgets the writes that were sent already, inside a savepoint that holds.</summary>
    public void StagedWasSent() => _staged.Clear();
}

/// <summary>How much a <see cref="BatchScope"/> held when a savepoint was set.</summary>
internal readonly record struct Mark(int Staged, int Messages, int DeadLetters, int Repetitions);
