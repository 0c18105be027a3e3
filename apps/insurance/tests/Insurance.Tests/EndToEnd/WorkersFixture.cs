using Confluent.Kafka;
using Insurance.Billing;
using Insurance.Setup;
using Insurance.Sql;
using Insurance.Underwriting;
using Npgsql;
using Onceward.Protobuf;
using Onceward.TestSupport;

namespace Insurance.Tests.EndToEnd;

/// <summary>Both workers and the relay, in this process, on a database of their own; none where a server is not named.</summary>
/// <remarks>
/// The topics have their names for good, so tests share them with whatever ran on the cluster before: every test looks at its own policies,
/// and topics are read from where they ended when the workers started. Group and relay have names of this run.
/// </remarks>
public sealed class WorkersFixture : IAsyncLifetime
{
    private readonly string _application = $"insurance-test-{Guid.NewGuid():N}";
    private TestDatabase? _database;
    private TestWorker? _workers;
    private Topics? _topics;

    internal TestDatabase Database => AreThere() ? _database! : throw new InvalidOperationException();

    internal Topics Topics => AreThere() ? _topics! : throw new InvalidOperationException();

    public async ValueTask InitializeAsync()
    {
        if (Variable("ONCEWARD_TEST_POSTGRES") is null || Variable("ONCEWARD_TEST_KAFKA") is not { } kafka)
            return;
        var setup = new TopicSetup(new ClientConfig { BootstrapServers = kafka }, TimeSpan.FromSeconds(30), TimeProvider.System);
        await setup.RunAsync();
        setup.Failure.ShouldBeNull();
        _database = await TestDatabase.CreateAsync();
        await new SchemaInstaller(_database.Source).RunAsync(CancellationToken.None);
        _topics = new Topics(kafka);
        // As the roles have it, less the host around them.
        var connection = new NpgsqlConnectionStringBuilder(_database.ConnectionString);
        _workers = await TestWorker.StartAsync(connection.ConnectionString, _application, onceward =>
        {
            onceward.UseProtobuf();
            UnderwritingRole.AddTo(onceward);
            BillingRole.AddTo(onceward);
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_workers is not null)
            await _workers.DisposeAsync();
        if (_database is not null)
            await _database.DisposeAsync();
    }

    private static bool AreThere() => TestServers.Postgres.Length > 0 && TestServers.Kafka.Length > 0;

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
