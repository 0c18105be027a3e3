namespace Onceward.Broker.Storage;

/// <summary>Where one partition's log lives: memory or a folder. Called under the log's lock.</summary>
/// <remarks>Every method may throw <see cref="IOException"/>, and then has changed nothing that counts.</remarks>
internal interface ILogStore
{
    /// <summary>What is there from before.</summary>
    LogContents Load();

    LogSegment CreateSegment(long baseOffset);

    /// <summary>Takes a segment out for good; readers that still hold it get no bytes.</summary>
    void Remove(LogSegment segment);

    /// <summary>Everything, the folder too.</summary>
    void Delete();
}
