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

    private static string Skip(string reason)
    {
        Assert.Skip(reason);
        return "";
    }
}
