using Npgsql;
using Xunit;

namespace Onceward.TestSupport;

/// <summary>The servers that <c>./onceward test</c> starts. A test that needs one that is not there is skipped, and says so.</summary>
public static class TestServers
{
    /// <summary>A connection string of a role that may create databases.</summary>
    public static string Postgres => Environment.GetEnvironmentVariable("ONCEWARD_TEST_POSTGRES")
        ?? Skip("ONCEWARD_TEST_POSTGRES is not set: no PostgreSQL to test against.");

    /// <summary>The bootstrap servers of a broker that the test may create topics on.</summary>
    public static string Kafka => Environment.GetEnvironmentVariable("ONCEWARD_TEST_KAFKA")
        ?? Skip("ONCEWARD_TEST_KAFKA is not set: no broker to test against: run ./onceward test, which starts one.");

    /// <summary>Whether the broker is the embedded one.</summary>
    public static bool IsEmbedded => Kafka == Environment.GetEnvironmentVariable("ONCEWARD_TEST_EMBEDDED");

    /// <summary>A connection string that leads to a database of <see cref="Postgres"/> through PgBouncer in transaction mode, which has three sessions for it.</summary>
    public static string PgBouncer(TestDatabase database) => Environment.GetEnvironmentVariable("ONCEWARD_TEST_PGBOUNCER") is { Length: > 0 } pooler
        ? new NpgsqlConnectionStringBuilder(pooler)
        {
            Database = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database, ApplicationName = "through-pooler",
        }.ConnectionString
        : Skip("ONCEWARD_TEST_PGBOUNCER is not set: no PgBouncer to test through: run ./onceward test, which installs and starts one.");

    private static string Skip(string reason)
    {
        Assert.Skip(reason);
        return "";
    }
}
