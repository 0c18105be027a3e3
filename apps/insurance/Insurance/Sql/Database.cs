using Insurance.Hosting;
using Npgsql;

namespace Insurance.Sql;

/// <summary>The database of the roles that keep one.</summary>
internal static class Database
{
    public const string Setting = "ONCEWARD_POSTGRES";

    private const string ApplicationName = "insurance";

    /// <summary>The workers' statements and those of the ledger are some dozens; each is then parsed once in a connection's life.</summary>
    private const int MaxAutoPrepare = 50;

    /// <summary>The connection string with what it leaves open. What is wrong with it is told to <paramref name="settings"/>.</summary>
    public static NpgsqlConnectionStringBuilder Read(SettingsReader settings)
    {
        var text = settings.Required(Setting, "the database, as Host=…;Port=…;Database=…;Username=…;Password=…");
        var connection = new NpgsqlConnectionStringBuilder();
        try
        {
            connection.ConnectionString = text;
            connection.ApplicationName ??= ApplicationName;
            // ContainsKey would say which keywords exist, not which are given.
            if (!connection.ShouldSerialize("Max Auto Prepare"))
                connection.MaxAutoPrepare = MaxAutoPrepare;
        }
        catch (ArgumentException exception)
        {
            // Its message names the keyword; the text, which may hold a password, stays out.
            settings.Refuse(Setting, $"is no connection string: {exception.Message}");
        }

        return connection;
    }

    public static NpgsqlDataSource Open(NpgsqlConnectionStringBuilder connection, ILoggerFactory? loggers = null)
    {
        var builder = new NpgsqlDataSourceBuilder(connection.ConnectionString);
        if (loggers is not null)
            builder.UseLoggerFactory(loggers);
        return builder.Build();
    }
}
