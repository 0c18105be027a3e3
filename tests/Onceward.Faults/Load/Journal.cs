using Onceward.Faults.Checking;

namespace Onceward.Faults.Load;

/// <summary>What was handed to the client, and what of it the broker acknowledged.</summary>
/// <remarks>Written by the producer's callbacks and by the load; read when both have ended.</remarks>
internal sealed class Journal
{
    private readonly Lock _lock = new();
    private readonly List<AckedRecord> _acked = [];
    private long _sent;
    private long _doubtful;

    /// <summary>Records handed to the client.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Records that the broker may or may not have.</summary>
    public long Doubtful => Interlocked.Read(ref _doubtful);

    public int AckedCount
    {
        get
        {
            lock (_lock)
                return _acked.Count;
        }
    }

    public List<AckedRecord> Acked
    {
        get
        {
            lock (_lock)
                return [.. _acked];
        }
    }

    public void Send() => Interlocked.Increment(ref _sent);

    public void Doubt() => Interlocked.Increment(ref _doubtful);

    public void Acknowledge(AckedRecord record)
    {
        lock (_lock)
            _acked.Add(record);
    }
}
