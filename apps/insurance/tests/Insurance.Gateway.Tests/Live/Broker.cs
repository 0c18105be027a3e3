namespace Insurance.Gateway.Tests.Live;

/// <summary>The Kafka cluster to test against.</summary>
internal static class Broker
{
    /// <summary>Nobody listens there.</summary>
    public const string Nowhere = "127.0.0.1:1";

    /// <summary>Skips the test where no cluster is named.</summary>
    public static string OrSkip()
    {
        var servers = Environment.GetEnvironmentVariable("ONCEWARD_TEST_KAFKA");
        Assert.SkipWhen(string.IsNullOrEmpty(servers), "ONCEWARD_TEST_KAFKA names no broker, such as 127.0.0.1:9092.");
        return servers!;
    }
}
