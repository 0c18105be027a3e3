using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Insurance.Workers;

/// <summary>Whether a worker has what it needs to start: the database answers, and the ledger has entered the worker's topics.</summary>
/// <remarks>
/// Those rows are written once database, brokers and topics have all answered. It does not ask for partitions: of two processes with one
/// partition between them, the one without is as ready.
/// </remarks>
internal sealed class WorkerCheck(string worker, NpgsqlDataSource database) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = database.CreateCommand(HasStarted);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
            return await command.ExecuteScalarAsync(cancellationToken) is true
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("The worker has not reached broker and topics yet.");
        }
        // Also where the ledger itself is not installed yet.
        catch (NpgsqlException exception)
        {
            return HealthCheckResult.Unhealthy("The database does not answer as it should.", exception);
        }
    }

    private const string HasStarted = "SELECT EXISTS (SELECT FROM onceward.subscription WHERE worker = $1)";
}
