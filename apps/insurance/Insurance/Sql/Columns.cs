using Npgsql;

namespace Insurance.Sql;

/// <summary>Rows as the columns that <c>unnest</c> takes: one array for each, however many rows.</summary>
internal static class Columns
{
    public static NpgsqlParameter Column<TRow, T>(this IReadOnlyCollection<TRow> rows, Func<TRow, T> value) =>
        new NpgsqlParameter<T[]> { TypedValue = [.. rows.Select(value)] };
}
