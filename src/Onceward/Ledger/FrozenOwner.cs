using Npgsql;

namespace Onceward.Ledger;

/// <summary>Ends the session that has held a partition's row for too long: of a process that is frozen, or cut off from the server.</summary>
/// <remarks>
/// <b>Safety</b> does not rest on this: ending a session rolls its transaction back, or finds it committed, and the compare-and-swap counts either
/// way. It is what lets the partition go on before <c>idle_in_transaction_session_timeout</c> does. Only sessions of our own role are ended; a
/// person's open transaction under another role is named in the incident.
/// </remarks>
internal sealed class FrozenOwner(NpgsqlDataSource database, IncidentStore incidents)
{
    private static readonly TimeSpan s_longestLook = TimeSpan.FromSeconds(3);

    /// <summary>Ends whatever blocks the row. Returns the process ids of the sessions that were ended.</summary>
    public async Task<IReadOnlyList<int>> EndAsync(PartitionKey key, CancellationToken cancellationToken)
    {
        var blocked = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = blocked.ConfigureAwait(false);
        // In a transaction, and the pid asked inside: a pooler between us and the server may give each transaction another session.
        var transaction = await blocked.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = transaction.ConfigureAwait(false);
        var pid = await BackendAsync(blocked, transaction, cancellationToken).ConfigureAwait(false);
        using var looking = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var waiting = WaitForRowAsync(blocked, transaction, key, looking.Token);
        try
        {
            var ended = await EndBlockersAsync(key, pid, waiting, cancellationToken).ConfigureAwait(false);
            // The server answers before a session that it ends has let go.
            if (ended.Count > 0)
                await waiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ended;
        }
        finally
        {
            await looking.CancelAsync().ConfigureAwait(false);
            await waiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Ends sessions that have sent the half of a statement and nothing more for a while: of a process that froze while it was sending. No time limit
    /// of the server's ends them, and what they hold, no offset row perhaps but effects, keeps batches from the same rows.
    /// </summary>
    /// <returns>How many.</returns>
    public async Task<int> EndHalfSentAsync(TimeSpan silence, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(FindHalfSent);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = silence });
        var found = new List<(int Pid, string Detail)>();
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                found.Add((reader.GetInt32(0), reader.GetString(1)));
        var ended = 0;
        foreach (var (pid, detail) in found)
        {
            if (!await TerminateAsync(pid, cancellationToken).ConfigureAwait(false))
                continue;
            ended++;
            await incidents.NoteAsync(IncidentStore.FrozenOwnerEnded, null, null, detail, cancellationToken, IncidentStore.Automatic).ConfigureAwait(false);
        }
        return ended;
    }

    private async Task<IReadOnlyList<int>> EndBlockersAsync(PartitionKey key, int pid, Task waiting, CancellationToken cancellationToken)
    {
        var ended = new List<int>();
        while (!waiting.IsCompleted)
        {
            var command = database.CreateCommand(FindBlockers);
            await using var _ = command.ConfigureAwait(false);
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = pid });
            var blockers = new List<(int Pid, bool Ours, string Detail)>();
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    blockers.Add((reader.GetInt32(0), reader.GetBoolean(1), reader.GetString(2)));
            foreach (var (blocker, ours, detail) in blockers)
            {
                if (ours && await TerminateAsync(blocker, cancellationToken).ConfigureAwait(false))
                {
                    ended.Add(blocker);
                    await incidents.NoteAsync(IncidentStore.FrozenOwnerEnded, key, null, detail, cancellationToken, IncidentStore.Automatic).ConfigureAwait(false);
                }
                else if (!ours)
                {
                    await incidents.NoteAsync(IncidentStore.RowHeld, key, null, detail, cancellationToken).ConfigureAwait(false);
                }
            }
            if (blockers.Count > 0)
                break;
            // The statement that is to be blocked may not have reached the server yet.
            await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken)).ConfigureAwait(false);
        }
        return ended;
    }

    private async Task<bool> TerminateAsync(int pid, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand("SELECT pg_terminate_backend($1)");
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = pid });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private static async Task<int> BackendAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand($"SET LOCAL lock_timeout = {(int)s_longestLook.TotalMilliseconds}; SELECT pg_backend_pid()", connection, transaction);
        await using var _ = command.ConfigureAwait(false);
        return (int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private static async Task WaitForRowAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, PartitionKey key, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("SELECT FROM onceward.consumer_offset WHERE subscription_id = $1 AND partition = $2 FOR UPDATE", connection, transaction)
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = key.Subscription }, new NpgsqlParameter<int> { TypedValue = key.Partition } },
        };
        await using var _ = command.ConfigureAwait(false);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private const string Detail = """
        jsonb_build_object('pid', a.pid, 'role', a.usename, 'application', a.application_name, 'client', host(a.client_addr), 'state', a.state,
                           'transaction_seconds', round(extract(epoch FROM now() - a.xact_start)), 'query', left(a.query, 200))::text
        """;

    private const string FindBlockers = $"""
        SELECT a.pid, a.usename = current_user, {Detail}
          FROM unnest(pg_blocking_pids($1)) AS b (pid)
          JOIN pg_stat_activity a USING (pid)
        """;

    // Active, and waiting for its client: between the messages of one statement. A COPY waits so, too, for as long as its client likes. Who has written
    // nothing holds no row.
    private const string FindHalfSent = $"""
        SELECT a.pid, {Detail}
          FROM pg_stat_activity a
         WHERE a.datname = current_database() AND a.usename = current_user AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
           AND a.state = 'active' AND a.wait_event = 'ClientRead' AND a.state_change < now() - $1 AND a.backend_xid IS NOT NULL
           AND a.query !~* '\mcopy\M'
        """;
}
