using System.Collections.Concurrent;

namespace Onceward.Faults.Stage;

/// <summary>What the processes have told of themselves: their log events by number, their instruments by name.</summary>
internal sealed class Tally
{
    private readonly ConcurrentDictionary<int, long> _events = new();
    private readonly ConcurrentDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public long Event(int id) => _events.GetValueOrDefault(id);

    public long Count(string instrument) => _counts.GetValueOrDefault(instrument);

    /// <summary>Takes a line of a child's output. Returns whether it was for the tally, and not for the log.</summary>
    public bool Take(string line)
    {
        if (line.StartsWith(Telemetry.EventMark, StringComparison.Ordinal) && int.TryParse(line.AsSpan(Telemetry.EventMark.Length), out var id))
            _events.AddOrUpdate(id, 1, (_, sum) => sum + 1);
        else if (line.StartsWith(Telemetry.CountMark, StringComparison.Ordinal) && line.Split(' ') is [_, var name, var delta] && long.TryParse(delta, out var by))
            _counts.AddOrUpdate(name, by, (_, sum) => sum + by);
        else
            return false;
        return true;
    }
}
