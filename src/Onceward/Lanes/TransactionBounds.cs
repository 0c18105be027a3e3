using Npgsql;

namespace Onceward.Lanes;

/// <summary>The server's time limits for one transaction: what bounds the locks of an owner that is frozen.</summary>
/// <remarks>
/// Of the transaction and not of the session: a pooler may give each transaction another session, and a session to strangers after us. They travel
/// with the first statement of ours, and cost a round trip only where a handler's own statement comes first.
/// </remarks>
internal sealed class TransactionBounds(NpgsqlTransaction transaction, LaneOptions options)
{
    private bool _areSet;

    /// <summary>Before the first statement of a batch of ours. None of them returns columns.</summary>
    public void AddTo(NpgsqlBatch batch)
    {
        if (_areSet)
            return;
        _areSet = true;
        foreach (var sql in Statements())
            batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
    }

    /// <summary>Before a statement that is not ours. It blocks, for a handler asks for its connection by a property.</summary>
    public void Send()
    {
        if (_areSet)
            return;
        _areSet = true;
        using var command = new NpgsqlCommand(string.Join("; ", Statements()), transaction.Connection, transaction);
        command.ExecuteNonQuery();
    }

    private string[] Statements() =>
    [
        $"SET LOCAL statement_timeout = {Milliseconds(options.StatementTimeout)}",
        $"SET LOCAL lock_timeout = {Milliseconds(options.LockTimeout)}",
        $"SET LOCAL idle_in_transaction_session_timeout = {Milliseconds(options.IdleInTransactionTimeout)}",
    ];

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;
}
