using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>Where one partition's log lives: memory or a folder. Called under the log's lock, but for what says otherwise.</summary>
/// <remarks>Every method may throw <see cref="IOException"/>, and then has changed nothing that counts.</remarks>
internal interface ILogStore
{
    /// <summary>What is there from before; recovered if the partition was not closed in order.</summary>
    LogContents Load();

    /// <summary>A segment that begins at the log's end; the one before, if any, is written out and sealed.</summary>
    LogSegment CreateSegment(LogContents log);

    /// <summary>Takes a segment out for good; readers that still hold it get no bytes.</summary>
    void Remove(LogSegment segment);

    void Save(LeaderEpochs epochs);

    /// <summary>Forces a segment to disk, and its indexes if it is sealed. Not under the log's lock.</summary>
    void Flush(LogSegment segment);

    /// <summary>Notes that everything up to there was flushed. Not under the log's lock.</summary>
    void SaveFlushed(long endOffset, long activeBase, long activeSize);

    /// <summary>Notes where the log starts, durably.</summary>
    void SaveStart(long startOffset);

    /// <summary>Leaves the log so that the next start need not look at its records. Everything was flushed.</summary>
    void Close(LogContents log);

    /// <summary>Everything, the folder too.</summary>
    void Delete();
}
