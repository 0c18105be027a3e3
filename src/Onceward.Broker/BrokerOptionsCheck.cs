namespace Onceward.Broker;

/// <summary>Says at once all that is wrong with a broker's options.</summary>
internal static class BrokerOptionsCheck
{
    private const int SmallestRequestLimit = 64 * 1024; // Below it not even the metadata of a few topics fits.

    /// <summary>A copy that nobody changes any more.</summary>
    public static BrokerOptions Checked(this BrokerOptions options)
    {
        var problems = Problems(options).ToList();
        return problems.Count == 0 ? options.Copy() : throw new ArgumentException(string.Join(" ", problems), nameof(options));
    }

    private static IEnumerable<string> Problems(BrokerOptions options)
    {
        if (options.DataDirectory is { } path && string.IsNullOrWhiteSpace(path))
            yield return "DataDirectory is blank; null means memory.";
        if (options.Port is < 0 or > ushort.MaxValue)
            yield return $"Port {options.Port} is not between 0 and 65535.";
        if (options.AdvertisedPort is < 0 or > ushort.MaxValue)
            yield return $"AdvertisedPort {options.AdvertisedPort} is not between 0 and 65535.";
        if (options.NodeId < 0)
            yield return $"NodeId {options.NodeId} is negative.";
        if (options.DefaultPartitions < 1)
            yield return $"DefaultPartitions {options.DefaultPartitions} is less than 1.";
        if (options.MemoryLimit < 1)
            yield return $"MemoryLimit {options.MemoryLimit} leaves room for nothing.";
        if (options.MaxRequestBytes < SmallestRequestLimit)
            yield return $"MaxRequestBytes {options.MaxRequestBytes} is less than {SmallestRequestLimit}.";
        if (options.Flush == FlushPolicy.Interval && options.FlushInterval <= TimeSpan.Zero)
            yield return "FlushInterval must be positive.";
        if (options.HousekeepingInterval <= TimeSpan.Zero)
            yield return "HousekeepingInterval must be positive.";
        if (options.InitialRebalanceDelay < TimeSpan.Zero)
            yield return "InitialRebalanceDelay is negative.";
        if (options.MaxTransactionTimeout < TimeSpan.FromMilliseconds(1))
            yield return "MaxTransactionTimeout is less than a millisecond.";
    }
}
