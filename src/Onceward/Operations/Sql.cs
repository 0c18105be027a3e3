using Npgsql;
using NpgsqlTypes;

namespace Onceward.Operations;

/// <summary>What the statements of operations share.</summary>
internal static class Sql
{
    // A worker holds a key for a batch or a redrive, seconds at most; a person does not wait longer without being told.
    private const string Bound = "SET LOCAL lock_timeout = '15s'";

    /// <summary>A transaction at READ COMMITTED, which each operation needs: what a lock waited for is read anew.</summary>
    public static async Task<T> InTransactionAsync<T>(
        NpgsqlDataSource database, bool dryRun, Func<NpgsqlTransaction, Task<(T Result, bool Keep)>> work, CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.ReadCommitted, cancellationToken).ConfigureAwait(false);
        await using var __ = transaction.ConfigureAwait(false);
        await ExecuteAsync(transaction, Bound, cancellationToken).ConfigureAwait(false);
        var (result, keep) = await work(transaction).ConfigureAwait(false);
        if (keep && !dryRun)
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        else
            await transaction.RollbackAsync(cancellationToken).ConfigureAwait(false);
        return result;
    }

    public static async Task<int> ExecuteAsync(NpgsqlTransaction transaction, string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(sql, transaction.Connection, transaction);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    public static async Task<List<T>> ReadAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken)
    {
        await using var _ = command.ConfigureAwait(false);
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            rows.Add(row(reader));
        return rows;
    }

    public static NpgsqlParameter Text(string? value) => Of(value, NpgsqlDbType.Text);

    public static NpgsqlParameter Bytes(byte[]? value) => Of(value, NpgsqlDbType.Bytea);

    public static NpgsqlParameter Int(int? value) => Of(value, NpgsqlDbType.Integer);

    public static NpgsqlParameter Long(long? value) => Of(value, NpgsqlDbType.Bigint);

    public static byte[]? BytesAt(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : (byte[])reader[column];

    private static NpgsqlParameter Of(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
