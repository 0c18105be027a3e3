[assembly: CollectionBehavior(MaxParallelThreads = 8)] // Most of these wait for a time-out of the broker's; they share nothing.

namespace Onceward.Conformance;

/// <summary>
/// The broker that is asked: any that speaks Kafka's protocol. The suite is Kafka's behaviour first: what it asserts passes on Apache Kafka.
/// <c>./onceward test</c> runs it once for each broker at hand, and names it.
/// </summary>
internal static class Backend
{
    public const string Variable = "ONCEWARD_CONFORMANCE_KAFKA";

    public static string Address => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } address ? address : Skip();

    /// <summary>A name that no other test has.</summary>
    public static string Name(string prefix) => $"{prefix}-{Guid.NewGuid():N}";

    private static string Skip()
    {
        Assert.Skip($"{Variable} is not set: no broker to hold against Kafka's behaviour.");
        return "";
    }
}
