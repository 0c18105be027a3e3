using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Npgsql;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Cli;

/// <summary>Where PostgreSQL and Kafka are: options of every command, else the environment that workers read too.</summary>
internal sealed class Servers
{
    private readonly Option<string?> _postgres = new("--postgres")
    {
        Description = "Connection string of the database with the ledger. Default: ONCEWARD_POSTGRES.", Recursive = true,
    };

    private readonly Option<string?> _kafka = new("--kafka")
    {
        Description = "Bootstrap servers. Default: KAFKA_BOOTSTRAP_SERVERS; security by the other KAFKA_* variables.", Recursive = true,
    };

    public void AddTo(Command root)
    {
        root.Options.Add(_postgres);
        root.Options.Add(_kafka);
    }

    /// <summary>The database, with a ledger of this tool's version in it.</summary>
    public async Task<NpgsqlDataSource> OpenLedgerAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var connection = parsed.GetValue(_postgres) ?? Environment.GetEnvironmentVariable("ONCEWARD_POSTGRES")
            ?? throw new ToolException("No database: give --postgres, or set ONCEWARD_POSTGRES to the connection string.");
        var database = Npgsql(connection);
        try
        {
            await LedgerSchema.RequireCurrentAsync(database, cancellationToken);
            return database;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether somebody said where Kafka is.</summary>
    public bool HasKafka(ParseResult parsed) => KafkaOptions(parsed).BootstrapServers.Length > 0;

    /// <summary>The cluster, not yet asked anything.</summary>
    public Cluster OpenKafka(ParseResult parsed)
    {
        var options = KafkaOptions(parsed);
        return options.BootstrapServers.Length > 0
            ? new Cluster(Options.Create(options))
            : throw new ToolException("No broker: give --kafka, or set KAFKA_BOOTSTRAP_SERVERS to host:port.");
    }

    private OncewardOptions KafkaOptions(ParseResult parsed)
    {
        var options = new OncewardOptions();
        KafkaVariables.Apply(options, new ConfigurationBuilder().AddEnvironmentVariables().Build());
        if (parsed.GetValue(_kafka) is { } servers)
            options.BootstrapServers = servers;
        return options;
    }

    private static NpgsqlDataSource Npgsql(string connection)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connection);
            settings.ApplicationName ??= "onceward";
            return NpgsqlDataSource.Create(settings);
        }
        catch (ArgumentException e)
        {
            throw new ToolException($"The connection string cannot be read: {e.Message}", e);
        }
    }
}
