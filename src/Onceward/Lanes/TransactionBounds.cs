using Npgsql;

namespace Onceward.Lanes;

/// <summary>The server's time limits for one transaction: what bounds the locks of an owner that is frozen.</summary>
/// <remarks>
/// Behind a pooler they are of the transaction and not of the session: it may give each transaction another session, and a session to strangers after
/// us. There they travel with the first statement of ours, and cost a round trip where a handler's own statement comes first.
/// </remarks>
/// <param name="transaction">Theirs.</param>
/// <param name="options">How long.</param>
/// <param name="areSet">The session has them already.</param>
internal sealed class TransactionBounds(NpgsqlTransaction transaction, LaneOptions options, bool areSet)
{
    private bool _areSet = areSet;

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

    /// <summary>For a session that is ours alone.</summary>
    public static async Task SetAsync(NpgsqlConnection connection, LaneOptions options, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(string.Join("; ", Statements("SET", options)), connection);
        await using var _ = command.ConfigureAwait(false);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private string[] Statements() => Statements("SET LOCAL", options);

    private static string[] Statements(string set, LaneOptions options) =>
    [
        $"{set} statement_timeout = {Milliseconds(options.StatementTimeout)}",
        $"{set} lock_timeout = {Milliseconds(options.LockTimeout)}",
        $"{set} idle_in_transaction_session_timeout = {Milliseconds(options.IdleInTransactionTimeout)}",
    ];

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;
}
