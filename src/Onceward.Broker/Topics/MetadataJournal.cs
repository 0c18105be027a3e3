using Onceward.Broker.Storage;

namespace Onceward.Broker.Topics;

/// <summary>Where changes of topics and settings are recorded before they take effect; nowhere in memory mode.</summary>
/// <remarks>Thread-safe: topics and other resources change under locks of their own.</remarks>
internal sealed class MetadataJournal(MetadataLog? log) : IDisposable
{
    private readonly Lock appending = new();

    /// <exception cref="IOException">The disk is full or broken; nothing was recorded.</exception>
    public void Append(MetadataRecord record)
    {
        lock (appending)
            log?.Append(record);
    }

    /// <summary>Puts what is live in the place of the history. On start only, before anything changes.</summary>
    public void Rewrite(IEnumerable<MetadataRecord> live)
    {
        lock (appending)
            log?.Rewrite(live);
    }

    public void Dispose() => log?.Dispose();
}
